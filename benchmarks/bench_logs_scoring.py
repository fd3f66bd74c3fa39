"""How well lines are grouped: a line counts when its group holds exactly the lines of its label."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.bench_logs_making import Labelled

Grouping = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Score:
    """The share of lines grouped right, and of groups that are exactly a label's lines (FGA)."""

    lines: float
    groups: float


def score(labels: Sequence[int], found: Sequence[int]) -> Score:
    """Return grouping accuracy and the F1 of groups."""
    sizes, true = Counter(found), Counter(labels)
    both = Counter(zip(labels, found, strict=True))
    exact = {pair for pair, n in both.items() if n == sizes[pair[1]] == true[pair[0]]}
    right = sum(both[pair] for pair in exact)
    return Score(right / len(labels), 2 * len(exact) / (len(sizes) + len(true)))


def ours(lines: Sequence[str]) -> Sequence[int]:
    """Group by Drillbook."""
    from drillbook.analysis.loggroups import group

    return group(lines).of_line


def drain(lines: Sequence[str]) -> Sequence[int]:
    """Group by drain3 as its users take it: its own defaults, and the masks of its example."""
    return _drained(
        lines,
        (
            (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "ID"),
            (
                r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)",
                "IP",
            ),
            (r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)", "SEQ"),
            (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
            (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
        ),
    )


def drain_unmasked(lines: Sequence[str]) -> Sequence[int]:
    """Group by drain3's own defaults, without masks: better where a line has a long header."""
    return _drained(lines, ())


def _drained(lines: Sequence[str], masks: Sequence[tuple[str, str]]) -> Sequence[int]:
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, mask) for pattern, mask in masks]
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(line.replace("\n", " "))["cluster_id"] for line in lines]


def table(made: Sequence[Labelled], groupings: Sequence[Grouping]) -> dict[str, list[Score]]:
    """Score each grouping on each kind."""
    return {
        each.name: [score(each.labels, grouping(each.lines)) for grouping in groupings]
        for each in made
    }
