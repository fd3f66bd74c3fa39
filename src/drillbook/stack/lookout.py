"""What a lookout watches: the symptoms of all books found, and the environments they are of."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from drillbook.compiler.document import Runbook
from drillbook.compiler.select import nearest_title, slug
from drillbook.core.errors import NotFound, SettingsInvalid
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.stack.books import Books, Found
from drillbook.stack.stack import Stack
from drillbook.watch.measuring import Sight
from drillbook.watch.probing import Probes
from drillbook.watch.reading import Reader
from drillbook.watch.symptoms import Symptom, Unwatched, environment_of, symptoms_of


@dataclass
class Watched:
    """
    All that is watched, and by whom each runbook's environment is seen.

    `in_books` names all runbooks there are, whether they are watched or not.
    """

    symptoms: tuple[Symptom, ...]
    unwatched: tuple[Unwatched, ...]
    sights: dict[str, Sight]
    books: dict[str, str] = field(default_factory=dict[str, str])
    in_books: frozenset[str] = frozenset()


def watched(
    stack: Stack, books: Books, *, on: str | None = None, runbooks: Iterable[str] = ()
) -> Watched:
    """
    Return what there is to watch; NotFound when no symptom names a signal.

    A runbook is watched in the environment its steps act on; `on` names another one for all.
    """
    known = _known(stack, on)
    symptoms: list[Symptom] = []
    unwatched: list[Unwatched] = []
    names: dict[str, str] = {}
    for found in _wanted(books, tuple(runbooks)):
        environment = on or environment_of(found.runbook, known)
        measured, rest = symptoms_of(found.runbook, environment)
        if environment and measured:
            symptoms += measured
            unwatched += rest
            names[found.runbook.title] = found.file.name
    if not symptoms:
        raise NotFound(
            "no symptom of these runbooks names a signal",
            hint='Write one below ### Symptoms: `@when errors.raised("5m") for 15s`',
        )
    sights = {name: sight_of(stack, name) for name in {s.environment for s in symptoms}}
    # A book that cannot be read just now has not lost its runbooks.
    all_read = not books.problems
    titles = frozenset(each.runbook.title for each in books.runbooks() if all_read)
    return Watched(tuple(symptoms), tuple(unwatched), sights, names, titles)


def sight_of(stack: Stack, environment: str) -> Sight:
    """Return how one environment is seen: by its logs and by probes, as far as it names them."""
    section = stack.place(environment).section
    app = section.app
    health = app.health if app is not None else ""
    logs = probe = None
    if section.logs is not None:
        logs = stack.port(environment, Logs)  # type: ignore[type-abstract]  # the key of a binding
    if app is not None:
        probe = stack.port(environment, Probe)  # type: ignore[type-abstract]  # as above
    return Sight(
        environment=environment,
        reader=Reader(logs, health) if logs is not None else None,
        probes=Probes(probe) if probe is not None else None,
    )


def _known(stack: Stack, on: str | None) -> tuple[str, ...]:
    environments = stack.file.environments
    if on is not None and on not in environments:
        raise SettingsInvalid(
            f"{stack.says} has no environment {on!r}",
            hint=f"There are: {', '.join(environments) or 'none'}.",
        )
    return tuple(
        name
        for name, section in environments.items()
        if section.logs is not None or section.app is not None
    )


def _wanted(books: Books, names: tuple[str, ...]) -> list[Found]:
    found = list(books.runbooks())
    if not names:
        return found
    titles = {slug(name): name for name in names}
    missing = titles.keys() - {slug(each.runbook.title) for each in found}
    if missing:
        name = titles[min(missing)]
        hint = nearest_title(name, [each.runbook.title for each in found])
        raise NotFound(f"there is no runbook {name!r} to watch", hint=hint)
    return [each for each in found if slug(each.runbook.title) in titles]


def inputs_from(runbook: Runbook, values: dict[str, str]) -> tuple[str, ...]:
    """Return as `name=value` what an incident knows, of the inputs that the runbook declares."""
    declared = {each.name for each in runbook.inputs}
    return tuple(f"{name}={value}" for name, value in values.items() if name in declared)
