"""
Evidence as natural logarithms of likelihood ratios, added up; "none of these" has the score 0.

So a sum of 3 is twenty to one against "something else", and two candidates' sums tell how they
stand to each other, on the same observations (decision 0034).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import exp

from drillbook.analysis.culprit.scene import Trouble
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.core.incident import Candidate, Cause, Evidence, Fix, FixKind

# What is to be named must be this probable, among all candidates and "none of these".
NAMED = 0.9
# A kind of cause nobody has measured or dated is one of many that it may be.
PRIOR = -1.0
HALF = 0.5
# From this share of what users meet on, it tells of a cause; fewer may be anything's.
TELLING = 0.3


@dataclass
class Case:
    """
    A cause with what was gathered for and against it, and what would help if it is the one.

    `of_the_app`: it is the app's own sessions, and no other program's, that it is about.
    `is_root`: what brought it about is known and stands in it; `cleared`: it did well before, so
    it may have for itself only what was seen of it, and not what it might have brought about.
    `is_specific`: something besides its time speaks for it, such as the words of the errors.
    """

    cause: Cause
    fix: Fix
    prior: float = PRIOR
    of_the_app: bool = False
    is_root: bool = False
    cleared: bool = False
    is_specific: bool = False
    evidence: list[Evidence] = field(default_factory=list[Evidence])

    def add(self, says: str, weight: float, source: str, at: datetime | None = None) -> None:
        """Add an observation."""
        self.evidence.append(Evidence(says=says, weight=round(weight, 2), source=source, at=at))

    @property
    def score(self) -> float:
        """The sum of all that speaks for and against it."""
        return self.prior + sum(one.weight for one in self.evidence)

    @property
    def measured(self) -> float:
        """The sum of what speaks for it."""
        return sum(one.weight for one in self.evidence if one.weight > 0)

    def fits(self, trouble: Trouble, most: float, least: float, *symptoms: Symptom) -> float:
        """Add how much of what users meet is such as this cause brings; return the share."""
        share = trouble.share(*symptoms)
        weight = least + (most - least) * min(1.0, share / HALF)
        told = " or ".join(symptoms[:2])
        more = f", or {len(symptoms) - 2} other kinds" if len(symptoms) > 2 else ""  # noqa: PLR2004 - two are said
        self.add(f"{share:.0%} of the bad requests say: {told}{more}", weight, "log")
        return share


def person(says: str) -> Fix:
    """Return that a person must act, and what she should do."""
    return Fix(kind=FixKind.PERSON, says=says)


def ranked(cases: Sequence[Case]) -> tuple[tuple[Candidate, ...], float]:
    """Return the candidates, the likeliest first, and how probable "none of these" is."""
    weights = [exp(min(case.score, 50.0)) for case in cases]
    whole = 1.0 + sum(weights)
    found = [
        Candidate(
            cause=case.cause,
            evidence=tuple(sorted(case.evidence, key=lambda one: -abs(one.weight))),
            score=round(case.score, 2),
            probability=round(weight / whole, 4),
        )
        for case, weight in zip(cases, weights, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.score)), round(1.0 / whole, 4)
