"""A real database goes into an encrypted bucket, once, and comes out as it was dumped."""

from pathlib import Path

from drillbook.actions import backup
from drillbook.core.effect import Effect
from drillbook.core.secret import Secret
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.s3 import S3Blobs
from drillbook.providers.process.commands import ProcessCommands
from storage.s3_server import Front, bucket

EFFECT = Effect(key="r-1/1.2", run="r-1")


def test_a_backup_of_a_database_lies_encrypted_in_a_bucket(
    front: Front, tmp_path: Path, key: Secret, database_url: str
) -> None:
    server = Server(lambda: database_url, "production")
    with server.session() as session:
        session.execute(
            "CREATE TABLE bookings AS SELECT n, md5(n::text) FROM generate_series(1, 500) n"
        )
    blobs = S3Blobs(bucket(front.endpoint, prefix=tmp_path.name))
    store = ObjectStore(blobs, tmp_path / "staging", Keyring([key]))
    backups = PostgresBackups(server, store, ProcessCommands(tmp_path / "commands"))
    told: list[str] = []

    made = backup.create.do(
        backups, Effect(key=EFFECT.key, progress=lambda says, _: told.append(says))
    )
    again = backup.create.do(backups, EFFECT)

    assert (again.id, again.at) == (made.id, made.at)
    assert any(says.startswith("moved ") for says in told)
    assert store.get(made.id).contents["public.bookings"].rows == 500
    assert store.get(made.id).encrypted_with == Keyring([key]).newest().id
    with store.opened(made.id, "r-2/1.1") as folder:
        assert (folder / "data" / "toc.dat").read_bytes().startswith(b"PGDMP")
    stored = b"".join(b"".join(blobs.stream(one.name)) for one in blobs.list(""))
    assert b"PGDMP" not in stored
    assert b"bookings" not in stored
    assert list((tmp_path / "staging").iterdir()) == []
