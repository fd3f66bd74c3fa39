"""Make a physical copy of a server one that only we can enter and that does nothing by itself."""

import shutil
from pathlib import Path

from drillbook.core.postgres_tools import PostgresTools
from drillbook.providers.postgres.physical.control import read_control

# The socket lies in a folder that only this user may enter (mode 0700), and there is no TCP.
ENTRY = "local all all trust\n"
HARMLESS = {
    "listen_addresses": "",
    "archive_mode": "off",
    "max_logical_replication_workers": "0",  # a copied subscription must not eat the real slot
    "hot_standby": "on",
}
# A standby refuses to start with less than what the primary had.
AS_THE_PRIMARY = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}
REPLACED = {"postgresql.conf": "", "postgresql.auto.conf": "", "pg_ident.conf": ""}
LEFT_BEHIND = ("standby.signal", "recovery.signal", "postmaster.pid", "postmaster.opts")


def make_enterable(data: Path, tools: PostgresTools, *, recovering: bool) -> dict[str, str]:
    """Replace a copy's settings and entries; return the settings it must be started with."""
    control = read_control(data, tools)
    for name, text in (REPLACED | {"pg_hba.conf": ENTRY}).items():
        (data / name).unlink(missing_ok=True)  # it may be a link to production's own file
        (data / name).write_text(text, encoding="utf-8")
    for name in LEFT_BEHIND:
        (data / name).unlink(missing_ok=True)
    for slot in (data / "pg_replslot").glob("*/"):
        shutil.rmtree(slot)
    if recovering:
        (data / "recovery.signal").touch()
    data.chmod(0o700)
    return HARMLESS | {
        setting: control[name] for name, setting in AS_THE_PRIMARY.items() if name in control
    }
