"""The catalog of actions: what a task may name, and how each is looked for, done and undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import Parameter, getdoc, signature
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from drillbook.core.effect import Effect, WayBack
from drillbook.core.model import Frozen, Risk

P = ParamSpec("P")
R = TypeVar("R", bound=Frozen)
M = TypeVar("M", bound=Frozen)
T = TypeVar("T")


class Bindings(Protocol):
    """Gives each port its provider in an environment; the stack fulfils it."""

    def port(self, environment: str, port: type[T]) -> T:
        """Return the provider, or raise SettingsInvalid when the environment has none."""
        ...

    def digest(self, environment: str) -> str:
        """Return the digest of the environment's settings as they are now."""
        ...


@dataclass(frozen=True, slots=True)
class Undo(Generic[P, M]):
    """What to remember before a write, and how to make the world as remembered."""

    remember: Callable[P, M]
    take_back: Callable[Concatenate[M, P], Frozen | None]


@dataclass
class Action(Generic[P, R]):
    """A typed function a task can name; positional parameters are ports, keywords its values."""

    name: str
    do: Callable[P, R]
    risk: Risk
    final_because: str = ""
    harmless: bool = False
    lasts: bool = False
    look: Callable[P, R | None] | None = None
    undo: Undo[P, Any] | None = None  # Any: each undo has a memory type of its own
    way_back_for: Callable[[Mapping[str, object]], WayBack] | None = None

    def looking(self, fn: Callable[P, R | None]) -> Callable[P, R | None]:
        """Add the look: return the result when the effect is already there, None when it is not."""
        self.look = fn
        return fn

    def undone_by(
        self, *, remembering: Callable[P, M]
    ) -> Callable[[Callable[Concatenate[M, P], Frozen | None]], Callable[..., Frozen | None]]:
        """Add the undo: it gets what `remembering` returned before the write."""

        def add(fn: Callable[Concatenate[M, P], Frozen | None]) -> Callable[..., Frozen | None]:
            self.undo = Undo(remembering, fn)
            return fn

        return add

    def telling_way_back(
        self, fn: Callable[[Mapping[str, object]], WayBack]
    ) -> Callable[[Mapping[str, object]], WayBack]:
        """Add the sentence for the plan: it gets the values known then, by parameter name."""
        self.way_back_for = fn
        return fn

    def way_back(self, values: Mapping[str, object]) -> WayBack:
        """Return how this write would be taken back, for the plan."""
        if self.risk is Risk.READ:
            return WayBack(possible=True, says="changes nothing")
        if self.way_back_for is not None:
            return self.way_back_for(values)
        if self.undo is None:
            return WayBack(possible=self.harmless, says=self.final_because)
        return WayBack(possible=True, says=_first_line(self.undo.take_back))

    @property
    def says(self) -> str:
        """The action in one sentence."""
        return _first_line(self.do)

    @cached_property
    def ports(self) -> tuple[type, ...]:
        """The types of the positional parameters, in order."""
        hints = get_type_hints(self.do)
        return tuple(hints[p.name] for p in _parameters(self.do) if p.kind is not p.KEYWORD_ONLY)

    @property
    def takes_environment(self) -> bool:
        """Whether `on=` must say where it acts."""
        return any(port is not Effect for port in self.ports)

    @cached_property
    def params(self) -> type[BaseModel]:
        """A closed model of the keyword parameters."""
        hints = get_type_hints(self.do, include_extras=True)
        keywords = [p for p in _parameters(self.do) if p.kind is p.KEYWORD_ONLY]
        fields: dict[str, Any] = {  # Any: pydantic's own signature of field definitions
            p.name: (hints[p.name], ... if p.default is Parameter.empty else p.default)
            for p in keywords
        }
        name = self.name.replace(".", "_")
        return create_model(name, __config__=ConfigDict(extra="forbid", frozen=True), **fields)

    @cached_property
    def result(self) -> type[Frozen]:
        """The type of the result."""
        found: type[Frozen] = get_type_hints(self.do)["return"]
        return found

    @cached_property
    def memory(self) -> type[Frozen] | None:
        """The type of what is remembered before the write, if it can be undone."""
        if self.undo is None:
            return None
        found: type[Frozen] = get_type_hints(self.undo.remember)["return"]
        return found


AnyAction = Action[Any, Any]  # Any: a catalog holds actions of all signatures
Catalog = Mapping[str, AnyAction]


def _parameters(fn: Callable[..., object]) -> list[Parameter]:
    return list(signature(fn).parameters.values())


def _first_line(fn: Callable[..., object]) -> str:
    return (getdoc(fn) or "").partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Domain:
    """The actions of one subject, such as `backup` or `migration`."""

    name: str
    actions: dict[str, AnyAction] = field(default_factory=dict[str, AnyAction])

    def read(self, fn: Callable[P, R]) -> Action[P, R]:
        """Add an action that changes nothing."""
        return self._add(Action(self._address(fn), fn, Risk.READ))

    def write(self, fn: Callable[P, R]) -> Action[P, R]:
        """Add a write that can be undone: give it `looking` and `undone_by` as well."""
        return self._add(Action(self._address(fn), fn, Risk.WRITE))

    def destroy(self, fn: Callable[P, R]) -> Action[P, R]:
        """Add a write that endangers data and can still be undone."""
        return self._add(Action(self._address(fn), fn, Risk.DESTROY))

    def final(
        self, *, because: str, risk: Risk = Risk.WRITE, lasts: bool = False
    ) -> Callable[[Callable[P, R]], Action[P, R]]:
        """Add a write that cannot be undone, and say why; if it `lasts`, by no rollback either."""
        return lambda fn: self._add(Action(self._address(fn), fn, risk, because, lasts=lasts))

    def additive(self, *, because: str) -> Callable[[Callable[P, R]], Action[P, R]]:
        """Add a write that takes nothing away, so that nothing remains to be undone; say why."""
        return lambda fn: self._add(
            Action(self._address(fn), fn, Risk.WRITE, because, harmless=True)
        )

    def _address(self, fn: Callable[..., object]) -> str:
        # `try_` is `domain.try`: some verbs are Python's own words.
        return f"{self.name}.{fn.__name__.removesuffix('_')}"

    def _add(self, action: Action[P, R]) -> Action[P, R]:
        if action.name in self.actions:
            raise ValueError(f"two actions are named {action.name}")
        self.actions[action.name] = action
        return action


def catalog(*domains: Domain) -> Catalog:
    """Join domains; refuse a name used twice, and a write without a look, an undo or a reason."""
    joined: dict[str, AnyAction] = {}
    for domain in domains:
        if clash := joined.keys() & domain.actions.keys():
            raise ValueError(f"two actions are named {sorted(clash)}")
        joined |= domain.actions
    for action in joined.values():
        if action.risk is Risk.READ:
            continue
        if bool(action.final_because) is (action.undo is not None):
            raise ValueError(f"{action.name} needs an undo or a reason, and not both")
        if action.look is None:
            raise ValueError(f"{action.name} is a write and needs a look: is its effect there?")
    return joined
