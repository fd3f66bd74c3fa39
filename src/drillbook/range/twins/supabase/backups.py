"""Managed backups: really taken each day and on demand, and really put back."""

import re
import threading
from datetime import UTC, datetime, timedelta

import psycopg

from drillbook.core.errors import DrillbookError
from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.dumping import Dumps
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.supabase.projects import REGION, set_status, status_of

BACKUPS, POINTS, RESTORES, SCHEDULE = "backups", "restore points", "restores", "backup schedule"
DAY, AGAIN = timedelta(days=1), timedelta(minutes=1)
KEPT = 7
LONGEST_NAME = 20
FIRST_ID = 481_000_001
SCHEDULED_FOR = "03:00"
LOOK_SECONDS = 1.0
PENDING, COMPLETED, FAILED, REMOVED = "PENDING", "COMPLETED", "FAILED", "REMOVED"
AVAILABLE = "AVAILABLE"


class Keeper:
    """Does one project's work in the background, one piece at a time, and goes on after a kill."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def stop(self) -> None:
        """End; a piece of work under way is left to be begun again."""
        self._ended.set()
        self._wake.set()

    def _work(self) -> None:
        try:
            self._forget_what_died()
            while not self._ended.is_set():
                self._wake.clear()
                if not self._do_next():
                    self._wake.wait(LOOK_SECONDS)
        finally:
            self._project.documents.close()

    def _forget_what_died(self) -> None:
        documents, kind = self._project.documents, self._project.kind(BACKUPS)
        for backup in documents.all(kind):
            if backup["status"] == PENDING:
                documents.put(kind, str(backup["id"]), backup | {"status": FAILED})

    def _do_next(self) -> bool:
        """Do the next piece of work; False when there is none."""
        project = self._project
        restore = project.documents.get(RESTORES, project.ref)
        if restore is not None:
            self._restore(str(restore["dump"]))
            return True
        for point in project.documents.all(project.kind(POINTS)):
            if point["status"] == PENDING:
                self._take_point(point)
                return True
        if is_due(project, datetime.now(UTC)) and self._answers():
            self._take_backup()
            return True
        return False

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._project.url("database.url"), connect_timeout=2):
                return True
        except (psycopg.Error, OSError):
            return False

    def _take_backup(self) -> None:
        documents, kind = self._project.documents, self._project.kind(BACKUPS)
        with documents.locked():
            number = max((backup["id"] for backup in documents.all(kind)), default=FIRST_ID - 1) + 1
            backup = {"id": number, "status": PENDING, "inserted_at": _now()}
            documents.put(kind, str(number), backup)
        backup |= {"status": COMPLETED if self._dumped(str(number)) else FAILED}
        documents.put(kind, str(number), backup)
        for status in (COMPLETED, FAILED):
            these = [each for each in documents.all(kind) if each["status"] == status]
            for old in these[:-KEPT]:
                documents.remove(kind, str(old["id"]))
                Dumps(self._project).file(str(old["id"])).unlink(missing_ok=True)

    def _take_point(self, point: Document) -> None:
        taken = self._dumped(_point_dump(point["name"]))
        said = {"status": AVAILABLE, "completed_on": _now()} if taken else {"status": FAILED}
        self._project.documents.put(self._project.kind(POINTS), point["name"], point | said)

    def _dumped(self, name: str) -> bool:
        try:
            return Dumps(self._project).take(name) > 0
        except (DrillbookError, psycopg.Error, OSError):
            return False

    def _restore(self, dump: str) -> None:
        try:
            Dumps(self._project).put_back(dump)
            status = "ACTIVE_HEALTHY"
        except (DrillbookError, psycopg.Error, OSError):
            status = "RESTORE_FAILED"
        with self._project.documents.locked():
            self._project.documents.remove(RESTORES, self._project.ref)
            set_status(self._project, status)


def is_due(project: Project, now: datetime) -> bool:
    """Tell whether the day's backup is still to be taken; a failed one is tried again."""
    failed, completed = _newest(project, FAILED), _newest(project, COMPLETED)
    if failed is not None and now - failed < AGAIN:
        return False
    hour, _, minute = schedule_of(project)["schedule_for"].partition(":")
    last = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    if last > now:
        last -= DAY
    return completed is None or completed < last


def _newest(project: Project, status: str) -> datetime | None:
    backups = project.documents.all(project.kind(BACKUPS))
    begun = (each["inserted_at"] for each in backups if each["status"] == status)
    return max(map(datetime.fromisoformat, begun), default=None)


def schedule_of(project: Project) -> Document:
    """Return when the daily backup is taken, UTC."""
    kept = project.documents.get(SCHEDULE, project.ref)
    return kept or {"schedule_for": SCHEDULED_FOR, "updated_at": "2026-01-01T00:00:00Z"}


class BackupApi:
    """The paths of backups; the keepers do what they ask for."""

    def __init__(self, keepers: dict[str, Keeper]) -> None:
        self._keepers = keepers

    @property
    def table(self) -> Table:
        """The paths and what answers them."""
        at = "/database/backups"
        return (
            ("GET", at, self._list),
            ("POST", f"{at}/restore", self._restore),
            ("POST", f"{at}/restore-pitr", self._restore_to_time),
            ("POST", f"{at}/restore-point", self._make_point),
            ("GET", f"{at}/restore-point", self._point),
            ("POST", f"{at}/undo", self._undo),
            ("GET", f"{at}/schedule", self._schedule),
            ("PATCH", f"{at}/schedule", self._set_schedule),
        )

    def _list(self, asked: Asked) -> Answer:
        backups = asked.project.documents.all(asked.project.kind(BACKUPS))
        shown = [backup | {"is_physical_backup": False} for backup in reversed(backups)]
        return 200, {
            "region": REGION,
            "walg_enabled": False,
            "pitr_enabled": False,
            "backups": shown,
            "physical_backup_data": {},
        }

    def _restore(self, asked: Asked) -> Answer:
        number = asked.value("id", int)
        found = asked.project.documents.get(asked.project.kind(BACKUPS), str(number))
        if found is None or found["status"] != COMPLETED:
            raise ApiError(404, f"There is no completed backup {number}")
        return self._begin(asked, str(number))

    def _restore_to_time(self, asked: Asked) -> Answer:
        asked.value("recovery_time_target_unix", int)
        raise ApiError(403, "Point in time recovery is not enabled for this project")

    def _make_point(self, asked: Asked) -> Answer:
        name = _point_name(asked.value("name", str))
        kind, documents = asked.project.kind(POINTS), asked.project.documents
        with documents.locked():
            if documents.get(kind, name) is not None:
                raise ApiError(409, f"There is a restore point {name} already")
            point = {"name": name, "status": PENDING, "completed_on": None}
            documents.put(kind, name, point)
        self._keepers[asked.project.ref].wake()
        return 201, point

    def _point(self, asked: Asked) -> Answer:
        points = asked.project.documents.all(asked.project.kind(POINTS))
        name = asked.query.get("name") or (points[-1]["name"] if points else "")
        found = asked.project.documents.get(asked.project.kind(POINTS), name)
        if found is None:
            raise ApiError(404, f"There is no restore point {name}".strip())
        return 200, found

    def _undo(self, asked: Asked) -> Answer:
        name = _point_name(asked.value("name", str))
        found = asked.project.documents.get(asked.project.kind(POINTS), name)
        if found is None or found["status"] != AVAILABLE:
            raise ApiError(404, f"There is no available restore point {name}")
        return self._begin(asked, _point_dump(name))

    def _begin(self, asked: Asked, dump: str) -> Answer:
        project = asked.project
        with project.documents.locked():
            if status_of(project) == "RESTORING":
                raise ApiError(409, "A restore of this project is under way")
            project.documents.put(RESTORES, project.ref, {"dump": dump, "begun": _now()})
            set_status(project, "RESTORING")
        self._keepers[project.ref].wake()
        return 201, None

    def _schedule(self, asked: Asked) -> Answer:
        return 200, schedule_of(asked.project)

    def _set_schedule(self, asked: Asked) -> Answer:
        wanted = asked.value("schedule_for", str)
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", wanted):
            raise ApiError(400, "schedule_for: expected HH:MM")
        said = {"schedule_for": wanted, "updated_at": _now()}
        asked.project.documents.put(SCHEDULE, asked.project.ref, said)
        return 200, said


def _point_name(name: str) -> str:
    if not name or len(name) > LONGEST_NAME:
        raise ApiError(400, f"name: expected 1 to {LONGEST_NAME} characters")
    return name


def _point_dump(name: str) -> str:
    return f"point-{name.encode().hex()}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
