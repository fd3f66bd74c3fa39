"""The twin of Vercel: its REST API over real builds, real processes and a real alias."""

import sys
from typing import TYPE_CHECKING

from drillbook.range.cloud import Cloud

if TYPE_CHECKING:
    from starlette.applications import Starlette


def make_app(cloud: Cloud, *, tied: bool | None = None) -> "Starlette":
    """
    Return the API of a range's hosting; its lifespan builds, switches and watches the repository.

    `tied`: the apps it starts end with this process's standard input; by default as this process.
    """
    from drillbook.range.twins.vercel.service import make_service  # noqa: PLC0415 - slow to load

    return make_service(cloud, tied="tied" in sys.argv if tied is None else tied)
