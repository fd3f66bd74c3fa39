"""The providers of fixes: the limiter's counts, the app's values and switches, the firewall."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drillbook.core.errors import SettingsInvalid
from drillbook.ports.app_values import AppValues, Switchboard
from drillbook.ports.firewall import Firewall
from drillbook.ports.limits import Limits
from drillbook.stack import platforms
from drillbook.stack.fixing_sections import REDIS_SCHEMES, LimitsSection
from drillbook.stack.place import Place

# Providers are imported where they are built, as in bindings.py.
# ruff: noqa: PLC0415

LIMITS = "limits"  # by this name the limiter is switched off, as a dependency is by its own


def _limits(place: Place) -> Limits:
    from drillbook.providers.redis import RedisLimits

    section = _limits_section(place)
    return RedisLimits(
        url=lambda: section.url.reveal(place.folder, REDIS_SCHEMES),
        prefix=section.prefix,
        name=place.name,
    )


def _limits_section(place: Place) -> LimitsSection:
    section = place.section.limits
    if section is None:
        raise SettingsInvalid(
            f"{place.stack_says}: {place.name} has no limits",
            hint=f"Add [environments.{place.name}.limits] with "
            'url = "env:REDIS_URL", prefix = "…": what the names of its counts begin with.',
        )
    return section


def _app_values(place: Place) -> AppValues:
    wanted = {name: place.secret(value) for name, value in place.app().values.items()}
    return _values(place, wanted, f"in [environments.{place.name}.app.values]")


def _values(place: Place, wanted: Mapping[str, Callable[[], str]], where: str) -> AppValues:
    from drillbook.providers.vercel.app_values import VercelValues

    found = platforms.vercel_project(place)
    return VercelValues(
        api=found.api,
        token=found.token,
        project=found.project,
        team=found.team,
        target=place.target(),
        branch=place.branch(),
        wanted=wanted,
        kept=place.home() / "kept-values",
        where=where,
    )


def _firewall(place: Place) -> Firewall:
    from drillbook.providers.vercel.firewall import VercelFirewall

    found = platforms.vercel_project(place)
    return VercelFirewall(
        api=found.api,
        token=found.token,
        project=found.project,
        team=found.team,
        url=place.app_url,
    )


@dataclass(frozen=True, slots=True)
class _Switchboard:
    """The switches that the stack names: of dependencies, and of the rate limiter."""

    place: Place

    def variable(self, dependency: str) -> str:
        """Return the name of the value that switches it off; SettingsInvalid without one."""
        found = self._switches.get(dependency)
        if found is None:
            known = ", ".join(sorted(self._switches)) or "none"
            raise SettingsInvalid(
                f"{self.place.stack_says} names no switch of {dependency!r} (it names {known})",
                hint='Write switch = "NAME", the app\'s value that turns it off, into '
                f"[environments.{self.place.name}.dependencies.{dependency}].",
            )
        return found[0]

    def values(self) -> AppValues:
        """Return these values; what the stack wants of each is that it says off."""
        wanted = {variable: _saying(off) for variable, off in self._switches.values()}
        return _values(self.place, wanted, "as a switch")

    @property
    def _switches(self) -> dict[str, tuple[str, str]]:
        section = self.place.section
        named = dict(section.dependencies or {})
        found = {
            name: (each.switch, each.switched_off) for name, each in named.items() if each.switch
        }
        limits = section.limits
        if limits is not None and limits.switch:
            found[LIMITS] = (limits.switch, limits.switched_off)
        return found


def _switchboard(place: Place) -> Switchboard:
    platforms.vercel_project(place)  # without one there is no value to set
    return _Switchboard(place)


def _saying(text: str) -> Callable[[], str]:
    return lambda: text


SYSTEMS: dict[type, tuple[str, ...]] = {
    Limits: ("limits",),
    **dict.fromkeys((AppValues, Switchboard, Firewall), ("app from vercel",)),
}

BUILDERS: dict[type, Callable[[Place], object]] = {
    Limits: _limits,
    AppValues: _app_values,
    Switchboard: _switchboard,
    Firewall: _firewall,
}
