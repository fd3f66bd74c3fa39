"""The catalog of this installation, or a sentence when an action's name is wrong."""

from typing import TYPE_CHECKING

from drillbook.core.errors import NotFound

if TYPE_CHECKING:
    from drillbook.core.catalog import AnyAction, Catalog


def load_catalog() -> "Catalog":
    """Return every action there is."""
    from drillbook.actions import CATALOG

    return CATALOG


def find_action(name: str) -> "AnyAction":
    """Return one action, or NotFound with the nearest name."""
    from drillbook.compiler.diagnostics import did_you_mean

    catalog = load_catalog()
    if name in catalog:
        return catalog[name]
    near = did_you_mean(name, catalog).capitalize()
    raise NotFound(f"there is no action {name!r}", hint=near or "List them: drillbook actions")
