"""All results together: how many causes were right, how many false, what was written wrongly."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from drillbook.core.model import Frozen
from drillbook.drills.errors.result import MISSING, Result
from drillbook.drills.errors.users import HARMED

WANTED_RIGHT, MOST_FALSE, TRIAGE_SECONDS = 0.95, 0.02, 30.0


class Counted(Frozen):
    """So many of so many."""

    good: int
    of: int

    @property
    def share(self) -> float:
        """The share; 1 of nothing."""
        return self.good / self.of if self.of else 1.0

    @property
    def says(self) -> str:
        """It in words."""
        return f"{self.good} of {self.of} ({self.share:.1%})"


class Drilled(Frozen):
    """What came of all cases, and what it amounts to."""

    results: tuple[Result, ...]
    right: Counted
    right_felt: Counted
    fix_right: Counted
    noticed: Counted
    mitigated: Counted
    verified: Counted
    false_causes: Counted
    false_causes_unfelt: Counted
    false_alarms: Counted
    restless: int
    wrong_writes: int
    not_played: int
    unharmed: int
    triage_median: float | None
    triage_longest: float | None

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not as it has to be."""
        found = []
        if self.right.share < WANTED_RIGHT:
            found.append(f"right causes over all faults: {self.right.says}, wanted 95 %")
        if self.right_felt.share < WANTED_RIGHT:  # "none" is right of the others, and easily said
            found.append(f"right causes over what users feel: {self.right_felt.says}, wanted 95 %")
        if self.unharmed:
            found.append(f"nobody was harmed in {self.unharmed} cases of what users feel")
        if self.false_causes.share > MOST_FALSE and self.false_causes.of:
            found.append(f"false causes on controls: {self.false_causes.says}, at most 2 %")
        if self.wrong_writes:
            found.append(f"{self.wrong_writes} wrong writes")
        if self.not_played:
            found.append(f"{self.not_played} cases were not played to their end")
        if self.triage_longest is not None and self.triage_longest > TRIAGE_SECONDS:
            found.append(f"the longest triage took {self.triage_longest:.1f} s, at most 30")
        return tuple(found)


def drilled(results: Iterable[Result]) -> Drilled:
    """Count results."""
    found = tuple(sorted(results, key=lambda each: (each.seed, each.case)))
    faults = [each for each in found if not each.healthy]
    felt = [each for each in faults if each.felt]
    unfelt = [each for each in faults if not each.felt]
    controls = [each for each in found if each.healthy]
    helped = [each for each in felt if each.fix and each.fix not in BY_PEOPLE]
    triages = [each.triage for each in found if each.triage is not None]
    return Drilled(
        results=found,
        right=_count(each.named_right for each in faults),
        right_felt=_count(each.named_right for each in felt),
        fix_right=_count(each.fix_right for each in felt),
        noticed=_count(each.opened for each in felt),
        mitigated=_count(each.mitigated is not None for each in helped),
        verified=_count(each.verified is not None for each in helped),
        false_causes=_count(each.named_wrong for each in controls),
        false_causes_unfelt=_count(each.named_wrong for each in unfelt),
        false_alarms=_count(each.opened for each in (*controls, *unfelt)),
        restless=sum(each.restless for each in found),
        wrong_writes=sum(each.wrong_writes for each in found),
        not_played=sum(bool(each.trouble) or each.named == MISSING for each in found),
        unharmed=sum(not each.trouble and each.harmed < HARMED for each in felt),
        triage_median=median(triages) if triages else None,
        triage_longest=max(triages, default=None),
    )


def read_results(folder: Path) -> dict[tuple[str, int], Result]:
    """Read what was kept below a folder, the newest of each case and seed."""
    lines = [
        line
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    found = sorted(map(Result.model_validate_json, lines), key=lambda each: each.at is not None)
    return {(each.case, each.seed): each for each in found}


def append_result(file: Path, result: Result) -> None:
    """Keep a result at once, so that nothing played is lost."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as kept:
        kept.write(result.model_dump_json() + "\n")


BY_PEOPLE = ("", "none", "a person")


def _count(found: Iterable[bool]) -> Counted:
    all_of = list(found)
    return Counted(good=sum(all_of), of=len(all_of))
