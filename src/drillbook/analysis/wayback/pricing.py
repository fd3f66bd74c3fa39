"""What going back costs, in rows and columns, said in one sentence."""

from collections.abc import Iterable, Iterator

from drillbook.analysis.wayback.capturing import Capture
from drillbook.analysis.wayback.columns import has_other_type
from drillbook.analysis.wayback.losses import Loss, Written
from drillbook.analysis.wayback.snapshot import Snapshot, Thing

NOTHING = "nothing is lost"


def price_of(
    before: Snapshot,
    after: Snapshot,
    capture: Capture | None,
    order: tuple[str, ...],
    given: Iterable[str] = (),
) -> str:
    """Return the price of going back after a while; `given` is what a given script loses itself."""
    said = [
        *_new(before, after),
        *_labels(before, after),
        *_stricter(before, after),
        *(_narrower(before, after)),
    ]
    if capture is not None:
        said += [sentence for loss in capture.losses for sentence in _lost(loss, after)]
        said += _must_be_filled(before, after, capture)
    said += given
    said += [f"the columns of {name} come back in another order" for name in order]
    return "; ".join(said) if said else NOTHING


def given_losses(
    before: Snapshot, after: Snapshot, back: Snapshot, written: Written
) -> Iterator[str]:
    """Return what a given script takes from tables of before, as it says or as it showed."""
    for key, thing in sorted(before.things.items()):
        if key not in after.things or key in back.things:
            continue
        if thing.kind == "table":
            yield f"rows written to {thing.name} after it are lost: its down script drops it"
        elif thing.kind == "column" and _stays(thing, back):
            table = before.parent(thing).name
            yield f"rows written to {table} after it lose column {thing.name}"
    told = {t.name.replace('"', "") for key, t in after.things.items() if key not in before.things}
    for written_name in sorted({*written.taken, *written.columns}):
        name = written_name.replace('"', "")
        if told & {name, f"public.{name}"}:
            continue
        if written_name in written.taken:
            yield f"its down script deletes from {name}, also rows written after it"
        if columns := sorted(written.columns.get(written_name, ())):
            listed = ", ".join(columns)
            yield f"its down script sets {listed} of {name}, also in rows written after it"


def _new(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for key, thing in sorted(after.things.items()):
        if key in before.things:
            continue
        if thing.kind == "table":
            yield f"rows written to {thing.name} after it are lost"
        elif thing.kind == "column" and _stays(thing, before):
            table = after.parent(thing).name
            if thing.props["generated"] is None and not thing.props["inherited"]:
                yield f"rows written to {table} after it lose column {thing.name}"
        elif thing.kind == "sequence" and not after.children(key, "owned by"):
            yield f"numbers taken from {thing.name} after it are forgotten"


def _stays(part: Thing, other: Snapshot) -> bool:
    return part.parent is not None and part.parent in other.things


def _labels(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for key, thing in sorted(after.things.items()):
        was = before.things.get(key)
        if thing.kind == "enum" and was is not None:
            known = {number for number, _ in was.ids["labels"]}
            new = [label for number, label in thing.ids["labels"] if number not in known]
            if new:
                yield (
                    f"rows with {thing.name} {', '.join(map(repr, new))} written after it stop "
                    "the way back until they have another value"
                )


def _stricter(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Constraints come back, and rows written meanwhile may break them."""
    for key, thing in sorted(before.things.items()):
        found = after.things.get(key)
        unique = thing.kind == "index" and "CREATE UNIQUE" in str(thing.props["definition"])
        if (thing.kind == "constraint" or unique) and found is None:
            if _stays(thing, after) and not thing.props.get("inherited"):
                yield (
                    f"rows written to {before.parent(thing).name} after it that break "
                    f"{thing.name} stop the way back until they are mended"
                )
        elif thing.kind == "column" and thing.props["not_null"] and found is not None:
            if found.props["not_null"]:
                continue
            yield (
                f"rows written to {before.parent(thing).name} after it without "
                f"{thing.name} stop the way back until they are mended"
            )


def _narrower(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for key, thing in sorted(before.things.items()):
        found = after.things.get(key)
        if thing.kind != "column" or found is None or found.props["inherited"]:
            continue
        if has_other_type(thing, found):
            yield (
                f"values of {before.parent(thing).name}.{thing.name} written after it that "
                f"{thing.props['type']} cannot hold are lost or stop the way back"
            )


def _lost(loss: Loss, after: Snapshot) -> Iterator[str]:
    table = loss.table.name
    if loss.gone:
        return
    back = [c.name for c in loss.columns if c.key in after.things]
    dropped = [c.name for c in loss.columns if c.key not in after.things]
    if dropped:
        yield f"rows written to {table} after it have no {', '.join(dropped)}"
    if loss.taken:
        yield f"rows of before that were deleted from {table} after it come back"
    if back:
        yield f"changes of {', '.join(back)} in rows of {table} of before are set back"
    if loss.added:
        yield f"rows it added to {table} are removed unless changed after it"


def _must_be_filled(before: Snapshot, after: Snapshot, capture: Capture) -> Iterator[str]:
    for column in _dropped(capture, after):
        if column.props["not_null"] and column.key not in capture.defaults:
            table = before.parent(column).name
            yield (
                f"as {column.name} may not be null, rows written to {table} after it stop the "
                "way back until they are removed"
            )


def _dropped(capture: Capture, after: Snapshot) -> Iterator[Thing]:
    for loss in capture.losses:
        if not loss.gone:
            yield from (c for c in loss.columns if c.key not in after.things)
