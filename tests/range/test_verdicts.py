"""The table of the sample migrations against the real actions; the rest: make bench-migrations."""

from pathlib import Path

import pytest

from drillbook.actions import migration
from drillbook.core.effect import Effect, Evidence
from drillbook.core.files import read_file
from drillbook.ports.rehearsals import Rehearsals
from drillbook.range.status import RangeStatus
from drillbook.range.verdicts import (
    RehearsalSays,
    Sample,
    Seen,
    WayBackIs,
    sample_migrations,
    unlike,
)
from drillbook.stack.settings import HOME_VARIABLE
from drillbook.stack.stack import load_stack

SAMPLES = {sample.file[:4]: sample for sample in sample_migrations()}
# One that fails, one that breaks inserts, one whose down is wrong: what is derived, E's tests try.
REHEARSED = ("0004", "0016", "0025")


@pytest.mark.parametrize("number", SAMPLES)
def test_check_reads_each_sample_whole_and_tells_whether_it_is_one_transaction(
    number: str,
) -> None:
    sample = SAMPLES[number]
    down = read_file(sample.down_path) if sample.down_path else None

    checked = migration.check.do(file=read_file(sample.path), down=down)

    assert checked.errors == 0
    assert checked.transactional is sample.transactional


@pytest.mark.parametrize("number", REHEARSED)
def test_rehearsal_on_a_copy_of_production_says_what_the_table_says(
    number: str, practice_range: RangeStatus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = SAMPLES[number]
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))

    seen = rehearsed(sample, practice_range)

    assert unlike(sample, seen) == ()


def rehearsed(sample: Sample, found: RangeStatus) -> Seen:
    port = load_stack(found.stack_file).port("production", Rehearsals)  # type: ignore[type-abstract]  # a Protocol is named by its class
    result = migration.rehearse.do(
        port,
        Effect(key=f"a rehearsal of {sample.file}", keep=keep),
        file=read_file(sample.path),
        down=read_file(sample.down_path) if sample.down_path else None,
    )
    script = result.way_back.script
    return Seen(
        verdict=result.verdict,
        broken=tuple((each.operation, each.subject, each.role) for each in result.broken),
        way_back=(WayBackIs.DERIVED if script.derived else WayBackIs.GIVEN) if script else None,
    )


def keep(name: str, data: bytes, media_type: str) -> Evidence:
    return Evidence(sha256="0" * 64, size_bytes=len(data), name=name, media_type=media_type)


def test_disagreement_with_the_table_is_said_in_words() -> None:
    safe, breaks = SAMPLES["0001"], SAMPLES["0022"]
    call = ("call with all arguments", "public.book_slot(bigint, text)")

    assert unlike(safe, Seen(verdict="safe", way_back=WayBackIs.GIVEN)) == ()
    assert unlike(safe, Seen(verdict="fails")) == (
        "the verdict is fails, the table says passes",
        "the way back is None, the table says given",
    )
    assert unlike(
        safe, Seen(verdict="breaks", broken=((*call, "anon"),), way_back=WayBackIs.GIVEN)
    )[1].endswith("public.book_slot(bigint, text) anon is broken, the table says nothing")
    told = Seen(verdict="breaks", broken=((*call, "service"),), way_back=WayBackIs.GIVEN)
    assert unlike(breaks, told) == ("call public.book_slot as authenticated still works",)
    assert breaks.rehearsal is RehearsalSays.BREAKS
