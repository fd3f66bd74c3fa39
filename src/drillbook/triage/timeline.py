"""What was changed, by every kind of change, on one line of time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from drillbook.analysis.culprit.requests import Request, Word
from drillbook.analysis.culprit.scene import MigrationKnown
from drillbook.analysis.schema_words import dropped, made, without
from drillbook.core.deployments import Deployment, EnvironmentValue, Hosting
from drillbook.core.incident import Change, ChangeKind
from drillbook.core.migration_files import LedgerEntry
from drillbook.core.vitals import Entrance, Vitals
from drillbook.ports.status_pages import Posted

APPLIED = "applied"
SAME_WORK = timedelta(seconds=5)
LEDGER_NEAR = timedelta(seconds=10)
VERSION_OF_A_TIME = 14
LONGEST_NAMES = 3
SHORTEST_TEXT = 15
NEARLY_ALL = 0.8
APART, RIGHT_AFTER = 50, 10
SYSTEM = "system"
_DDL = re.compile(
    r"(?:statement|execute [^:]*): *(?P<sql>(?:/\*.*?\*/|--[^\n]*\n|\s)*"
    r"(?P<verb>CREATE|ALTER|DROP|TRUNCATE|COMMENT|GRANT|REVOKE|REINDEX|CLUSTER|REFRESH|IMPORT|SECURITY|REASSIGN|DO)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_NAMED = re.compile(
    r"\b(?:CREATE|ALTER|DROP|TRUNCATE|REFRESH)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|MATERIALIZED\s+|"
    r"TEMP(?:ORARY)?\s+|UNLOGGED\s+|CONSTRAINT\s+)?(?P<kind>TABLE|INDEX|VIEW|FUNCTION|PROCEDURE|TRIGGER|TYPE|"
    r"DOMAIN|SCHEMA|SEQUENCE|POLICY|EXTENSION|ROLE|USER|SYSTEM|DATABASE)\s+(?:CONCURRENTLY\s+)?"
    r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?(?P<name>[\w.\"]+)",
    re.IGNORECASE,
)
OF_SETTINGS = ("role", "user", "system", "database")
OWN = ("drillbook.", "drillbook_", "pg_temp")
_OF_OWN = re.compile(
    r"\b(?:SCHEMA\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?|ON\s+)\"?drillbook\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Switched:
    """A build that answered requests, from when on, and until when another one did."""

    deployment: str
    first: float
    before: float | None


def switched(requests: Iterable[Request]) -> tuple[Switched, ...]:
    """
    Return which builds began to answer, and when, in order; one that comes back, once more.

    A late answer, or a small share of the users, is no coming back: many others must have answered
    between, and hardly another after it.
    """
    told = [one for one in requests if one.deployment]
    found: list[Switched] = []
    latest: dict[str, int] = {}
    for number, one in enumerate(told):
        build = one.deployment
        is_away = build in latest and number - latest[build] > APART
        if is_away:
            after = told[number : number + RIGHT_AFTER]
            if sum(each.deployment == build for each in after) < NEARLY_ALL * RIGHT_AFTER:
                continue  # away still: users may be handed over little by little
        if is_away or build not in latest:
            before = told[number - 1].at if number else None
            found.append(Switched(build, one.at, before))
        latest[build] = number
    return tuple(found)


def deployments(
    hosting: Hosting, recent: Sequence[Deployment], seen: Sequence[Switched], since: datetime
) -> Iterator[Change]:
    """Yield which builds were given the users, when: by what answered, else by the platform."""
    latest = {one.deployment: one for one in seen}
    for build in {one.id: one for one in (*recent, *_serving(hosting))}.values():
        title = build.message.partition("\n")[0]
        at, before = build.assigned, None
        observed = latest.get(build.id)
        if observed is not None and observed.before is not None:
            at, before = _time(observed.first), _time(observed.before)
        if at is None or at < since or build.has_served is False:
            continue
        yield Change(
            kind=ChangeKind.DEPLOYMENT,
            at=at,
            not_before=before,
            subject=build.id,
            says=f"{build.id} of {build.commit[:7]} ({title}) was given the users",
            by=build.by,
            source="hosting",
        )


def _serving(hosting: Hosting) -> tuple[Deployment, ...]:
    return (hosting.serving,) if hosting.serving else ()


def value_changes(
    serving: Change | None,
    serving_build: Deployment | None,
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
) -> Iterator[Change]:
    """Yield the values that came into force, or went, with the build that serves."""
    if serving is None or serving_build is None:
        return
    for what, which in zip(("was taken away", "was changed", "was added"), names, strict=True):
        for name in which:
            yield Change(
                kind=ChangeKind.VALUE,
                at=serving.at,
                not_before=serving.not_before,
                subject=name,
                says=f"{name} {what}, in force with {serving_build.id}",
                by=serving_build.by,
                source="hosting",
            )


def values_set(values: Iterable[EnvironmentValue], since: datetime) -> Iterator[Change]:
    """Yield the values that were set, whether a build has them yet or not."""
    for one in values:
        if one.kind != SYSTEM and one.changed >= since:
            made = "added" if one.created == one.changed else "changed"
            yield Change(
                kind=ChangeKind.VALUE, at=one.changed, subject=one.key,
                says=f"{one.key} was {made} in the settings", source="hosting",
            )  # fmt: skip


def ledgered(entries: Iterable[LedgerEntry], since: datetime, now: datetime) -> Iterator[Change]:
    """Yield the migrations that a ledger dates; one that knows versions only, by an interval."""
    for one in entries:
        at, before = one.at, None
        if at is None:
            before = _version_time(one.version)
            if before is None or before < since:
                continue
            at = now
        what = APPLIED if one.taken_back_at else one.status
        for moment, said in ((at, what), (one.taken_back_at, "taken back")):
            if moment is not None and moment >= since:
                yield Change(
                    kind=ChangeKind.MIGRATION, at=moment, not_before=before, subject=one.name,
                    says=f"migration {one.name} was {said}", by=one.run, source=one.ledger,
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ByHand:
    """Statements that changed the schema within a few seconds, as the server's log has them."""

    at: datetime
    text: str
    objects: tuple[str, ...]
    is_setting: bool

    @property
    def name(self) -> str:
        """The objects, as a name for what has none."""
        return ", ".join(self.objects[:LONGEST_NAMES]) or "schema"


def by_hand(words: Iterable[Word]) -> tuple[ByHand, ...]:
    """Return what the database's log tells of changes of the schema, gathered by time."""
    groups: list[list[tuple[float, str]]] = []
    for word in words:
        found = _DDL.search(f"{word.message}\n{word.stack}")
        if found is None:
            continue
        objects = [one["name"] for one in _NAMED.finditer(found["sql"])]
        own = objects and all(one.strip('"').startswith(OWN) for one in objects)
        if own or _OF_OWN.search(found["sql"]):
            continue
        if groups and word.at - groups[-1][-1][0] <= SAME_WORK.total_seconds():
            groups[-1].append((word.at, found["sql"]))
        else:
            groups.append([(word.at, found["sql"])])
    return tuple(_by_hand(group) for group in groups)


def _by_hand(group: list[tuple[float, str]]) -> ByHand:
    text = ";\n".join(sql for _, sql in group)
    named = list(_NAMED.finditer(text))
    objects = tuple(dict.fromkeys(one["name"].replace('"', "") for one in named))
    kinds = {one["kind"].lower() for one in named}
    return ByHand(_time(group[-1][0]), text, objects, bool(kinds) and kinds <= set(OF_SETTINGS))


def without_ledgered(found: Sequence[ByHand], entries: Sequence[LedgerEntry]) -> tuple[ByHand, ...]:
    """Leave out what a ledger tells of: a migration of a tool is in the log as well."""
    times = [at for one in entries for at in (one.at, one.taken_back_at) if at is not None]
    said = {(one.statements or ("",))[0].strip() for one in entries} - {""}
    return tuple(
        one
        for one in found
        if not any(abs(one.at - at) <= LEDGER_NEAR for at in times)
        and not any(text in one.text for text in said)
    )


def hand_changes(found: Iterable[ByHand], names: dict[str, str]) -> Iterator[Change]:
    """Yield them as changes, by the name of the migration whose text it was where one is known."""
    for one in found:
        name = names.get(one.text, one.name)
        kind = ChangeKind.SETTING if one.is_setting else ChangeKind.MIGRATION
        yield Change(
            kind=kind, at=one.at, subject=name, source="database log",
            says=f"the schema was changed: {name}" if kind is ChangeKind.MIGRATION
            else f"a setting of the database was changed: {name}",
        )  # fmt: skip


def restarts(vitals: Vitals, since: datetime) -> Iterator[Change]:
    """Yield that the database was started."""
    if vitals.entrance is Entrance.OPEN and vitals.started_at and vitals.started_at >= since:
        yield Change(
            kind=ChangeKind.SETTING, at=vitals.started_at, subject="database",
            says="Postgres was started anew", source="database",
        )  # fmt: skip


def posted(pages: Posted) -> Iterator[Change]:
    """Yield what platforms have posted."""
    for one in pages.notices:
        yield Change(
            kind=ChangeKind.PLATFORM, at=one.posted, not_before=one.started, subject=one.page,
            says=f"{one.page}: {one.name} ({one.stage})", source="status page",
        )  # fmt: skip


def known_migrations(
    entries: Iterable[LedgerEntry],
    texts: dict[str, str],
    hand: Iterable[ByHand],
    names: dict[str, str],
    new: frozenset[str] = frozenset(),
) -> tuple[MigrationKnown, ...]:
    """Return what is in force by ledger or by hand, and what lies in the code alone."""
    fresh, hand = {_stem(path) for path in new}, tuple(hand)
    found: dict[str, MigrationKnown] = {}
    for one in entries:
        if one.status == APPLIED or one.taken_back_at is not None:
            text = ";\n".join(one.statements) if one.statements else _text(texts, one.name)
            found[one.name] = MigrationKnown(
                one.name, one.at, text, came_with_release=_stem(one.name) in fresh,
                undone_at=one.taken_back_at,
            )  # fmt: skip
    for each in hand:
        name, is_known = names.get(each.text, each.name), each.text in names
        if not each.is_setting and (name not in found or (is_known and _again(found[name], each))):
            found[name] = MigrationKnown(name, each.at, each.text, False, has_file=is_known)
    known = {_stem(name) for name in found}
    for name, text in texts.items():
        stem = _stem(name)
        if stem not in known:
            found[stem] = MigrationKnown(
                stem, None, text, False, in_code_only=True, came_with_release=stem in fresh
            )
    return tuple(
        replace(one, undone_at=one.undone_at or _gone(one, hand)) for one in found.values()
    )


def _again(known: MigrationKnown, by_hand: ByHand) -> bool:
    """Whether it was applied once more by hand: then it is that time which tells."""
    times = [at for at in (known.at, known.undone_at) if at is not None]
    return bool(times) and by_hand.at > max(times) + LEDGER_NEAR


def _gone(one: MigrationKnown, hand: Iterable[ByHand]) -> datetime | None:
    """Return when the last of what it made was dropped after it, by hand, and not made again."""
    own = made(one.text) if one.at is not None else frozenset()
    left, gone = own, None
    for each in sorted(hand, key=lambda group: group.at):
        if own and one.at is not None and each.at > one.at:
            again = own - without(own, made(each.text))
            left = without(left, dropped(each.text)) | again
            gone = None if left else gone or each.at
    return gone


def _text(texts: dict[str, str], name: str) -> str:
    stems = {_stem(one): text for one, text in texts.items()}
    return stems.get(_stem(name), "")


def _stem(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".sql")


def names_of(hand: Iterable[ByHand], texts: dict[str, str]) -> dict[str, str]:
    """Return the migration file whose statements are just those that were carried out by hand."""
    known = {_stem(name): _plain(text) for name, text in texts.items()}
    found = {}
    for one in hand:
        mine = _plain(one.text)
        for name, text in known.items():
            whole = text in mine or (mine in text and len(mine) >= NEARLY_ALL * len(text))
            if min(len(mine), len(text)) >= SHORTEST_TEXT and whole:
                found[one.text] = name
    return found


def _plain(text: str) -> str:
    """Return statements without comments, case and spaces."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|[\s;]+", "", text, flags=re.DOTALL).lower()


def _version_time(version: str) -> datetime | None:
    if len(version) != VERSION_OF_A_TIME or not version.isdecimal():
        return None
    try:
        return datetime.strptime(version, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
