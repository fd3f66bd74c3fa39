"""Restores under write load are equal to their source; changed ones are found different."""

from dataclasses import dataclass

import psycopg

from benchmarks.backups.site import Shop
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError
from drillbook.ports.backups import BackupKind
from drillbook.providers.postgres.building import prove, restore_into
from drillbook.providers.postgres.material import material_of
from drillbook.providers.postgres.proof.roles import make_roles
from drillbook.providers.postgres.storage.files import DATA

KINDS = ("a row changed", "a row deleted", "a row duplicated", "a grant", "an index")


@dataclass(frozen=True, slots=True)
class Restored:
    """One restore: of what kind, and what was said against it."""

    kind: str
    level: int
    says: str


def restores_under_load(shop: Shop, count: int) -> list[Restored]:
    """Back up and restore while three writers commit all the time; half of them physically."""
    found: list[Restored] = []
    with shop.writing():
        for number in range(count):
            kind = BackupKind.PHYSICAL if number % 2 else BackupKind.LOGICAL
            key = f"load-{number}"
            try:
                made = shop.backups.create("", Effect(key=f"{key}/1"), kind)
                verified = shop.verifier.verify(made.id, Effect(key=f"{key}/2"))
            except DrillbookError as error:
                found.append(Restored(kind, 0, str(error)))
            else:
                found.append(Restored(kind, verified.level, "; ".join(verified.warnings)))
                shop.store.remove(made.id)
    return found


def changed_restores(shop: Shop, count: int) -> list[Restored]:
    """Change restored databases in one small thing each, and prove them like any restore."""
    made = shop.backups.create("", Effect(key="changed/1"))
    effect = Effect(key="changed/2")
    found: list[Restored] = []
    with (
        shop.room.server(effect, shop.tools.major) as scratch,
        psycopg.connect(scratch.server.address(), autocommit=True) as session,
    ):
        make_roles(session, made.roles)
        session.execute("CREATE DATABASE whole TEMPLATE template0")
        material = material_of(made, shop.store.path / made.id / DATA)
        whole = scratch.server.other("whole")
        restore_into(shop.commands, whole, material, effect, shop.tools.major, elsewhere=True)
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            name = f"changed_{number}"
            session.execute(f"CREATE DATABASE {name} TEMPLATE whole".encode())
            one = scratch.server.other(name)
            with one.session() as changing:
                changing.execute(_change(kind, number).encode())
            findings = prove(shop.commands, one, material, effect, shop.tools.major)
            found.append(Restored(kind, findings.level, "; ".join(findings.wrong)))
            session.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    return found


def _change(kind: str, number: int) -> str:
    one = f"id = (SELECT id FROM public.orders ORDER BY id OFFSET {number * 7} LIMIT 1)"
    columns = "customer, price, state, created_at"
    copied = f"SELECT {columns} FROM public.orders WHERE {one}"
    return {
        "a row changed": f"UPDATE public.orders SET price = price + 0.01 WHERE {one}",
        "a row deleted": f"DELETE FROM public.orders WHERE {one}",
        "a row duplicated": f"INSERT INTO public.orders ({columns}) {copied}",
        "a grant": f"GRANT {'INSERT' if number % 2 else 'UPDATE'} ON public.orders TO PUBLIC",
        "an index": f"CREATE INDEX more ON public.orders (price, id) WHERE id > {number}",
    }[kind]
