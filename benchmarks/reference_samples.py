"""The page of the range's sample migrations, from the table that is also their test."""

from collections import Counter
from collections.abc import Iterator

from drillbook.range.verdicts import Sample, Setup, WayBackIs, sample_migrations

INTRO = """
# Practice migrations

`drillbook range up` lays {count} sample migrations beside the stack file, in `migrations/`:
realistic changes of the booking schema, most of which hold something that hurts. Each is a sample
by itself: apply it alone, and take it back before the next. What every check must say of each
stands in one table, `src/drillbook/range/verdicts.toml`; it is this page, the test (`tests/range`)
and the benchmark (`make bench-migrations`).

*Blocks* is whose requests wait 100 ms or longer on a production of 1,024,000 bookings
(`drillbook range up --scale 8`), measured with a reader and a writer every 10 ms. *Rehearsal* is
what `migration.rehearse` must say on a copy of production, whose data has flaws: shared phones,
businesses without a deposit. *Way back* is what leads back: a down script that is `given`, one that
is `derived` and proven, one given that is `wrong`, only a `restore`, or `none needed`.

| kind | migrations |
|---|---|"""
HEAD = """
| migration | kind | blocks | rehearsal | way back |
|---|---|---|---|---|"""


def practice_migrations() -> Iterator[str]:
    """Yield the page."""
    samples = sample_migrations()
    yield INTRO.format(count=len(samples))
    for kind, count in Counter(sample.kind for sample in samples).items():
        yield f"| {kind} | {count} |"
    yield HEAD
    for sample in samples:
        name = sample.file.removesuffix(".sql")
        cells = (sample.kind, blocks(sample), sample.rehearsal, sample.way_back)
        yield f"| [{name}](#{name}) | {' | '.join(cells)} |"
    for sample in samples:
        yield from one_sample(sample)


def one_sample(sample: Sample) -> Iterator[str]:
    """Yield the section of one migration."""
    name = sample.file.removesuffix(".sql")
    yield from ("", f'<a id="{name}"></a>', "", f"## {name}", "")
    yield f"{sample.kind.capitalize()}: {sample.says}."
    yield ""
    yield f"- blocks {blocks(sample)}" + (" (**dangerous**)" if sample.dangerous else "")
    if sample.rewrites:
        yield f"- rewrites {listed(sample.rewrites)}"
    if not sample.transactional:
        yield "- not in one transaction"
    yield f"- applies: {sample.applies}"
    yield f"- a rehearsal on production's copy {sample.rehearsal}"
    if sample.breaks:
        yield f"- breaks {listed(sample.breaks)}"
    if sample.loses:
        yield f"- loses {', '.join(sample.loses)}"
    yield f"- way back: {sample.way_back}"
    yield f"- in the folder's order: {sample.pending}"
    yield from setup(sample.setup)
    yield from ("", "```sql", sample.path.read_text(encoding="utf-8").strip(), "```")
    if sample.down_path is not None:
        title = "Its down script, which does not lead back:"
        yield from ("", title if sample.way_back is WayBackIs.WRONG else "Its down script:", "")
        yield from ("```sql", sample.down_path.read_text(encoding="utf-8").strip(), "```")


def setup(setup: Setup) -> Iterator[str]:
    """Yield what must be so before."""
    if setup.idle:
        yield f"- shows itself while a transaction stands open after `{setup.idle}`"
    if setup.applied:
        yield f"- shows itself after {listed(setup.applied)} was applied"
    if setup.was:
        yield f"- shows itself after the file was applied as `{setup.was}`"


def blocks(sample: Sample) -> str:
    """Return whose requests wait, and of which tables."""
    tables = f" of {', '.join(sample.tables)}" if sample.tables else ""
    return f"{sample.blocks}{tables}"


def listed(words: tuple[str, ...]) -> str:
    """Return words as code."""
    return ", ".join(f"`{word}`" for word in words)
