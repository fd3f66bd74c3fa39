"""The providers of fixes: the limiter's counts, the app's values and switches, the firewall."""

from collections.abc import Callable

from drillbook.core.errors import SettingsInvalid
from drillbook.ports.limits import Limits
from drillbook.stack.fixing_sections import REDIS_SCHEMES, LimitsSection
from drillbook.stack.place import Place

# Providers are imported where they are built, as in bindings.py.
# ruff: noqa: PLC0415


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


SYSTEMS: dict[type, tuple[str, ...]] = {Limits: ("limits",)}

BUILDERS: dict[type, Callable[[Place], object]] = {Limits: _limits}
