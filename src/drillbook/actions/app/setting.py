"""Let a value of the app hold what the stack wants; a new build is given it."""

from drillbook.actions.app.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, OutcomeUnknown, Refused, UndoImpossible
from drillbook.core.model import Frozen
from drillbook.core.quantities import parse_duration
from drillbook.core.waiting import looks
from drillbook.ports.app_values import AppValues, Switchboard, ValueState

SHOWS_WITHIN = parse_duration("5s")
NEXT = "a build made from now on is given it, the serving one has what it had: deployment.redeploy"


class ValueSet(Frozen):
    """A value that holds what the stack wants; `existed` and `changed` say what that took."""

    name: str
    existed: bool
    changed: bool
    says: str


class SwitchedOff(Frozen):
    """What the app does without from its next build on."""

    dependency: str
    variable: str
    changed: bool
    says: str


class ValueBefore(Frozen):
    """A value before the write: when it was changed last, and whether what it held is kept."""

    state: ValueState
    kept: bool


@domain.write
def set_value(values: AppValues, effect: Effect, *, name: str) -> ValueSet:
    """Set a value to what the stack refers to; then build again for the app to have it."""
    return _set(values, effect, name)


@set_value.looking
def look_set(values: AppValues, effect: Effect, *, name: str) -> ValueSet | None:
    """Tell whether it holds that already, by the hosting's word."""
    return _looked(values, effect, name)


def remember_value(values: AppValues, effect: Effect, *, name: str) -> ValueBefore:
    """Keep what it holds where only we can read it, where the hosting reveals it."""
    return _remembered(values, effect, name)


@set_value.undone_by(remembering=remember_value)
def undo_set(before: ValueBefore, values: AppValues, effect: Effect, *, name: str) -> ValueSet:
    """Let it hold what it held, or remove it where it was not there."""
    return _undone(before, values, effect, name)


@domain.write
def switch_off(switchboard: Switchboard, effect: Effect, *, dependency: str) -> SwitchedOff:
    """Set the value that lets the app do without a dependency; then build again."""
    variable = switchboard.variable(dependency)
    return _off(dependency, _set(switchboard.values(), effect, variable))


@switch_off.looking
def look_switched_off(
    switchboard: Switchboard, effect: Effect, *, dependency: str
) -> SwitchedOff | None:
    """Tell whether its value says so already."""
    found = _looked(switchboard.values(), effect, switchboard.variable(dependency))
    return None if found is None else _off(dependency, found)


def remember_switch(switchboard: Switchboard, effect: Effect, *, dependency: str) -> ValueBefore:
    """Keep how the value was."""
    return _remembered(switchboard.values(), effect, switchboard.variable(dependency))


@switch_off.undone_by(remembering=remember_switch)
def undo_switch_off(
    before: ValueBefore, switchboard: Switchboard, effect: Effect, *, dependency: str
) -> SwitchedOff:
    """Set the value as it was, or remove it where it was not there."""
    variable = switchboard.variable(dependency)
    return _off(dependency, _undone(before, switchboard.values(), effect, variable))


def _off(dependency: str, done: ValueSet) -> SwitchedOff:
    says = f"{dependency}: {done.says}"
    return SwitchedOff(dependency=dependency, variable=done.name, changed=done.changed, says=says)


def _set(values: AppValues, effect: Effect, name: str) -> ValueSet:
    state = values.look(name)
    if state.as_wanted:
        return _told(state, changed=False)
    if state.shared_with:
        raise Refused(
            f"{name} is one record for this environment and {', '.join(state.shared_with)}: "
            "setting it would change those as well; nothing was changed",
            hint="Give this environment a record of its own at the hosting.",
            again=False,
        )
    effect.still_mine()
    try:
        values.set(name, effect.key)
    except OutcomeUnknown as lost:
        for _ in looks(effect, SHOWS_WITHIN, "the hosting to show it"):
            if _is_done(values.look(name), effect):
                break
        else:
            raise OutcomeUnknown(
                f"the answer to setting {name} was lost, and the hosting does not show it: {lost}",
                hint="A look before the next attempt tells whether it came after all.",
            ) from lost
    after = values.look(name)
    if not _is_done(after, effect):
        raise Failed(
            f"{name} was set, and the hosting shows another value or another's",
            hint="Somebody may have set it at the same moment: look at the project's settings.",
        )
    return _told(after, changed=True, existed=state.exists)


def _is_done(state: ValueState, effect: Effect) -> bool:
    """Whether it holds what is wanted; where the hosting does not tell, our mark must do."""
    return state.mark == effect.key if state.as_wanted is None else state.as_wanted


def _looked(values: AppValues, effect: Effect, name: str) -> ValueSet | None:
    state = values.look(name)
    if not _is_done(state, effect):
        return None
    return _told(state, changed=state.mark == effect.key)


def _remembered(values: AppValues, effect: Effect, name: str) -> ValueBefore:
    state = values.look(name)
    return ValueBefore(state=state, kept=values.keep(name, effect.key) if state.exists else False)


def _undone(before: ValueBefore, values: AppValues, effect: Effect, name: str) -> ValueSet:
    state, was = values.look(name), before.state
    ours = state.exists and state.mark == effect.key
    if not ours and (state.exists, state.changed) == (was.exists, was.changed):
        return _told(state, changed=False, existed=was.exists, back=True)
    if was.exists and before.kept:
        effect.still_mine()
        _put_back(values, effect, name)
    elif not ours:
        raise Refused(
            f"{name} is neither as it was nor as this task has set it; it was left alone",
            hint="Somebody has changed it meanwhile: ask who, and why.",
        )
    elif was.exists:
        raise UndoImpossible(
            f"the hosting did not reveal what {name} held ({was.kind}), so it cannot be set back",
            hint="The build that served before still has it: go back to that one.",
        )
    else:
        effect.still_mine()
        values.remove(name, effect.key)
    return _told(values.look(name), changed=True, existed=was.exists, back=True)


def _put_back(values: AppValues, effect: Effect, name: str) -> None:
    try:
        values.put_back(name, effect.key)
    except NotFound as error:
        raise UndoImpossible(str(error), hint=error.hint) from error


def _told(
    state: ValueState, *, changed: bool, existed: bool | None = None, back: bool = False
) -> ValueSet:
    there = state.exists if existed is None else existed
    if back:
        says = (
            f"{state.name} is as it was" if state.exists else f"{state.name} is not set, as before"
        )
    elif not changed:
        says = f"{state.name} holds what the stack wants already; {NEXT}"
    else:
        says = f"{state.name} was {'changed' if there else 'added'}; {NEXT}"
    return ValueSet(name=state.name, existed=there, changed=changed, says=says)
