"""What a database does when it is used, tried in transactions that are rolled back."""

from enum import StrEnum

from drillbook.core.model import Frozen


class Subject(StrEnum):
    """What kind of object was tried."""

    TABLE = "table"
    VIEW = "view"
    FUNCTION = "function"


class Behaviour(Frozen):
    """
    How one operation on one table, view or function went as one role.

    `rows` is what was seen, changed or returned, `of` how many there are to see; `tries` and
    `worked` count the rows or arguments it was tried with. `sure` is False where it could not be
    tried, or ended by a time limit: `error` then says why. `refused`: a RAISE of the app's own said
    no, or the error names a value that was given. `identity` outlives a rename, as do the numbers
    before the names in `columns`: those that an insert filled.
    """

    subject: str
    kind: Subject
    operation: str
    role: str
    ok: bool
    sqlstate: str = ""
    error: str = ""
    rows: int = 0
    of: int = 0
    tries: int = 1
    worked: int = 0
    sure: bool = True
    refused: bool = False
    identity: str = ""
    columns: tuple[str, ...] = ()


class Behaviours(Frozen):
    """
    Everything that was tried once; hand it to the next time, so that the same is tried again.

    `there` are the objects there were, by name and identity, and `constraints` their constraints;
    `people` is who the roles were taken to be (by setting); `remains` says what a rollback does not
    take back.
    """

    behaviours: tuple[Behaviour, ...]
    there: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    people: dict[str, str] = {}
    seconds: float = 0.0
    remains: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """The whole in one phrase."""
        worked = sum(found.ok for found in self.behaviours)
        sure = sum(found.sure for found in self.behaviours)
        open_ = len(self.behaviours) - sure
        tail = f", {open_} could not be tried" if open_ else ""
        return f"{worked} of {sure} operations work{tail}"


class Broken(Frozen):
    """One operation that worked before and does not now; or a new object that never can."""

    subject: str
    operation: str
    role: str
    error: str
    sqlstate: str = ""

    @property
    def says(self) -> str:
        """The break in one sentence."""
        return f"{self.operation} on {self.subject} as {self.role}: {self.error}"


class Compared(Frozen):
    """
    What a change did to behaviour.

    `widened` names what a role could not do or see before, `unsure` what could not be compared.
    """

    broken: tuple[Broken, ...]
    widened: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    compared: int = 0

    @property
    def says(self) -> str:
        """The comparison in one phrase."""
        if not self.broken:
            return f"all {self.compared} operations behave as before"
        more = f" (and {len(self.broken) - 1} more)" if len(self.broken) > 1 else ""
        return f"{self.broken[0].says}{more}"
