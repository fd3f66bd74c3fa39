"""The twelve classes of faults: each is really made, and must end in an error that names it."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from benchmarks.backups.site import OWNER, Ended, Shop

PAGE_BYTES = 8192
SMALL_DISK = "40m"
WAIT_TRIES = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: makes itself, runs the command that must notice, and says what that must name."""

    name: str
    make: Callable[[Shop], Ended]
    names: str  # a pattern of the words that the error must have


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one fault ended."""

    name: str
    code: int
    says: str
    found: bool


def carry_out(fault: Fault, shop: Shop) -> Outcome:
    """Make one fault and look how it ends."""
    ended = fault.make(shop)
    found = ended.code != 0 and re.search(fault.names, ended.says, re.DOTALL) is not None
    return Outcome(fault.name, ended.code, ended.says[-600:], found)


def _largest(folder: Path) -> Path:
    return max(folder.glob("*.dat.gz"), key=lambda path: path.stat().st_size)


def _flipped_bit(shop: Shop) -> Ended:
    backup = shop.backup()
    path = _largest(shop.files(backup))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return shop.do("backup.verify", f"backup={backup}")


def _missing_file(shop: Shop) -> Ended:
    backup = shop.backup()
    _largest(shop.files(backup)).unlink()
    return shop.do("backup.verify", f"backup={backup}")


def _truncated_dump(shop: Shop) -> Ended:
    backup = shop.backup()
    path = _largest(shop.files(backup))
    path.write_bytes(path.read_bytes()[:-100])
    return shop.do("backup.restore", f"backup={backup}")


def _restored_state_differs(shop: Shop) -> Ended:
    """Take a row out of the dump and let the manifest's file sums agree with that."""
    backup = shop.backup()
    path = max(shop.files(backup).glob("*.dat.gz"), key=lambda one: len(_lines(one)))
    lines = _lines(path)  # of the orders: no other table's rows hang on them
    path.write_bytes(gzip.compress(b"\n".join([*lines[:100], *lines[101:]])))
    manifest = shop.store.path / backup / "manifest.json"
    told = json.loads(manifest.read_text())
    told["files"][f"data/{path.name}"] = {
        "size_bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    manifest.write_text(json.dumps(told))
    return shop.do("backup.restore", f"backup={backup}")


def _lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).split(b"\n")


def _index_lacks_rows(shop: Shop) -> Ended:
    """Write rows past an index, as a bug or a broken collation does, and back that up."""
    shop.execute(
        "SET allow_system_table_mods = on;"
        "UPDATE pg_index SET indisready = false WHERE indexrelid = 'orders_customer'::regclass"
    )
    shop.execute("INSERT INTO orders (customer, price) SELECT 7, 1 FROM generate_series(1, 50)")
    shop.execute(
        "SET allow_system_table_mods = on;"
        "UPDATE pg_index SET indisready = true WHERE indexrelid = 'orders_customer'::regclass"
    )
    ended = shop.do("backup.verify", f"backup={shop.backup('physical')}")
    shop.execute("REINDEX INDEX orders_customer")
    return ended


def _bad_page(shop: Shop) -> Ended:
    """Let a page of a table rot on production's disk, before the backup is taken."""
    shop.execute("CHECKPOINT")
    ((where,),) = shop.execute("SELECT pg_relation_filepath('orders')")
    path = shop.server.data / where
    with shop.stopped():
        kept = path.read_bytes()
        data = bytearray(kept)
        data[3 * PAGE_BYTES + 4000] ^= 0xFF
        path.write_bytes(data)
    ended = shop.do("backup.create", "kind=physical")
    with shop.stopped():
        path.write_bytes(kept)
    return ended


def _missing_wal_segment(shop: Shop) -> Ended:
    """Lose a segment that lies between the backup and the moment asked for."""
    shop.backup("physical")
    shop.execute("SELECT pg_switch_wal()")
    ((segment,),) = shop.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
    for _ in range(3):
        shop.execute("INSERT INTO orders (customer, price) VALUES (1, 1)")
        shop.execute("SELECT pg_switch_wal()")
    sleep(1)
    ((now,),) = shop.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
    sleep(1)
    shop.execute("INSERT INTO orders (customer, price) VALUES (1, 1); SELECT pg_switch_wal()")
    _archived(shop)
    aside = shop.folder / segment
    (shop.archive / segment).rename(aside)
    try:
        return shop.do("backup.restore", f"point={now}")
    finally:
        aside.rename(shop.archive / segment)


def _archived(shop: Shop) -> None:
    """Wait until all finished segments are archived."""
    for _ in range(WAIT_TRIES):
        ((done,),) = shop.execute(
            "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216)"
            " FROM pg_stat_archiver"
        )
        if done:
            return
        sleep(0.1)
    raise RuntimeError("the server did not archive its WAL")


def _wrong_target(shop: Shop) -> Ended:
    shop.backup("physical")
    return shop.do("backup.restore", "point=2020-01-01 00:00:00")


def _missing_role(shop: Shop) -> Ended:
    backup = shop.backup()
    shop.execute(f"REASSIGN OWNED BY {OWNER} TO postgres; DROP ROLE {OWNER}")
    try:
        return shop.do("backup.restore", f"backup={backup}")
    finally:
        shop.execute(f"CREATE ROLE {OWNER}; ALTER TABLE orders OWNER TO {OWNER}")


def _full_disk(shop: Shop) -> Ended:
    """Give scratch servers a disk that is too small for one; needs root, for the mount."""
    backup = shop.backup()
    scratch = shop.stack / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=0700", "none", str(scratch)]
    subprocess.run(mount, check=True)
    try:
        return shop.do("backup.verify", f"backup={backup}")
    finally:
        subprocess.run(["umount", "-l", str(scratch)], check=True)


def _checksums_off(shop: Shop) -> Ended:
    with_none = Shop(shop.folder / "without-checksums", has_checksums=False)
    try:
        return with_none.do("backup.create", "kind=physical")
    finally:
        with_none.server.stop()


def _of_another_cluster(shop: Shop) -> Ended:
    other = Shop(shop.folder / "other-cluster")
    try:
        backup = other.backup()
        shutil.copytree(other.store.path / backup, shop.store.path / backup)
    finally:
        other.server.stop()
    try:
        return shop.do("backup.restore", f"backup={backup}")
    finally:
        shutil.rmtree(shop.store.path / backup)


FAULTS = (
    Fault("flipped bit in the backup", _flipped_bit, r"data/\d+\.dat\.gz has other contents"),
    Fault("bad page before the backup", _bad_page, r"fail their checksum: \S+ block 3"),
    Fault(
        "index lacking rows", _index_lacks_rows, r"orders_customer: .* lacks matching index tuple"
    ),
    Fault("missing file", _missing_file, r"data/\d+\.dat\.gz is missing"),
    Fault("missing WAL segment", _missing_wal_segment, r"WAL segment [0-9A-F]{24} is missing"),
    Fault("restored state differs", _restored_state_differs, r"has 1 rows fewer; nothing was"),
    Fault("truncated dump", _truncated_dump, r"data/\d+\.dat\.gz has \d+ bytes, not \d+"),
    Fault("wrong recovery target", _wrong_target, r"2020-01-01 00:00:00 cannot be reached"),
    Fault("missing role", _missing_role, rf"lacks what .* needs: role {OWNER}"),
    Fault("full disk while restoring", _full_disk, r"the disk is full"),
    Fault("checksums off", _checksums_off, r"data checksums are off"),
    Fault("backup of another cluster", _of_another_cluster, r"of the server \d+, and this one"),
)
