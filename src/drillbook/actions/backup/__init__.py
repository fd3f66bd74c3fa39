"""Take backups, prove what they are, compare with one, and go back to one."""

from drillbook.actions.backup.keeping import (
    Pruned,
    Retention,
    Watched,
    look_pruned,
    prune,
    retention,
    watch,
)
from drillbook.actions.backup.managed import ManagedFound, managed
from drillbook.actions.backup.points import look_marked, mark, points
from drillbook.actions.backup.proving import Compared, ProofOf, compare, verify
from drillbook.actions.backup.reporting import BackupRecord, BackupReport, report
from drillbook.actions.backup.restoring import (
    BeforeRestore,
    KeptList,
    forget_before,
    kept,
    look_forgotten,
    look_restored,
    restore,
    swap_back,
    way_back,
)
from drillbook.actions.backup.subject import domain
from drillbook.actions.backup.taking import (
    Backup,
    BackupList,
    create,
    latest,
    list_,
    look_created,
    ready,
)

__all__ = [
    "Backup",
    "BackupList",
    "BackupRecord",
    "BackupReport",
    "BeforeRestore",
    "Compared",
    "KeptList",
    "ManagedFound",
    "ProofOf",
    "Pruned",
    "Retention",
    "Watched",
    "compare",
    "create",
    "domain",
    "forget_before",
    "kept",
    "latest",
    "list_",
    "look_created",
    "look_forgotten",
    "look_marked",
    "look_pruned",
    "look_restored",
    "managed",
    "mark",
    "points",
    "prune",
    "ready",
    "report",
    "restore",
    "retention",
    "swap_back",
    "verify",
    "watch",
    "way_back",
]
