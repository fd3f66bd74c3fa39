"""`drillbook range`: the practice stack on this machine."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.range_changes import add_changes
from drillbook.cli.range_faults import add_faults
from drillbook.cli.range_pages import add_pages
from drillbook.cli.telling import paint, say, tell_json
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.range.status import RangeStatus

range_app = new_app(no_args_is_help=True)
traffic_app = new_app(no_args_is_help=True)
range_app.add_typer(traffic_app, name="traffic")
add_changes(range_app)
add_faults(range_app)
add_pages(range_app)
FOLDER = Path("range")
TIMES = ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M")
SCALE = "How much data: 1 is 2,000 bookings, each doubling eight times as many."
Folder = Annotated[Path, typer.Option("--folder", "-f", help="Where it lies.")]
Rate = Annotated[
    float | None, typer.Option("--rate", help="Requests a second, in all: 20, or 0.1 if low.")
]
Shape = Annotated[str, typer.Option("--shape", help="steady, daily, low or spike.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
On = Annotated[str, typer.Option("--on", help="The environment: production or staging.")]
Since = Annotated[
    datetime | None, typer.Option("--since", formats=list(TIMES), help="From this time on, in UTC.")
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=list(TIMES), help="Up to this time, in UTC.")
]


@range_app.callback()
def practice() -> None:
    """Start, look at or stop the practice stack."""


@range_app.command(
    epilog=examples(
        "drillbook range up",
        "drillbook range up --scale 8    # a million bookings",
        "drillbook range up --traffic",
    )
)
def up(
    folder: Folder = FOLDER,
    scale: Annotated[float, typer.Option("--scale", min=0.01, max=16, help=SCALE)] = 1.0,
    traffic: Annotated[bool, typer.Option("--traffic", help="Let clients use it.")] = False,
    as_json: Json = False,
) -> None:
    """Start production and staging: real Postgres, the booking app, data."""
    from drillbook.range.practice import start_traffic
    from drillbook.range.practice import up as start

    found = start(folder, scale=scale, progress=_ignore if as_json else say)
    if traffic:
        found = start_traffic(folder)
    _tell(found, as_json=as_json)
    if not as_json:
        say(f"\nUse it: cd {found.folder}, then for example drillbook doctor")


@range_app.command(epilog=examples("drillbook range status", "drillbook range status --json"))
def status(folder: Folder = FOLDER, as_json: Json = False) -> None:
    """Show what of it runs, and where; the exit code is 9 when a part does not."""
    from drillbook.range.practice import status as look

    found = look(folder)
    _tell(found, as_json=as_json)
    if not found.running:
        raise typer.Exit(ExitCode.UNAVAILABLE)


@range_app.command(epilog=examples("drillbook range down", "drillbook range down --remove"))
def down(
    folder: Folder = FOLDER,
    remove: Annotated[bool, typer.Option("--remove", help="Delete its data as well.")] = False,
    as_json: Json = False,
) -> None:
    """Stop it; the data stays for the next time."""
    from drillbook.range.practice import down as stop

    found = stop(folder, remove=remove, progress=_ignore if as_json else say)
    _tell(found, as_json=as_json)


@traffic_app.callback()
def live_traffic() -> None:
    """Let clients use the practice stack's app, and see what they met."""


@traffic_app.command(
    name="start",
    epilog=examples(
        "drillbook range traffic start",
        "drillbook range traffic start --rate 100",
        "drillbook range traffic start --shape low    # 6 requests a minute",
        "drillbook range traffic start --shape daily --day 600",
    ),
)
def start_clients(
    folder: Folder = FOLDER,
    on: On = "production",
    rate: Rate = None,
    shape: Shape = "steady",
    seed: Annotated[int, typer.Option("--seed", help="Who comes and does what.")] = 0,
    readers: Annotated[int, typer.Option("--readers", help="Clients who read.")] = 2,
    writers: Annotated[int, typer.Option("--writers", help="Clients who book and pay.")] = 2,
    day_seconds: Annotated[
        float, typer.Option("--day", help="How many seconds a day has.")
    ] = 86400,
    as_json: Json = False,
) -> None:
    """Start the clients; each notes for itself what becomes of its requests."""
    from drillbook.range.practice import start_traffic

    found = start_traffic(
        folder,
        on=on,
        rate=rate,
        shape=shape,
        seed=seed,
        readers=readers,
        writers=writers,
        day_seconds=day_seconds,
    )
    _tell(found, as_json=as_json)


@traffic_app.command(
    name="shape",
    epilog=examples(
        "drillbook range traffic shape spike",
        "drillbook range traffic shape steady --rate 5",
    ),
)
def shape_clients(
    shape: Annotated[str, typer.Argument(help="steady, daily, low or spike.")],
    folder: Folder = FOLDER,
    on: On = "production",
    rate: Rate = None,
    as_json: Json = False,
) -> None:
    """Let the clients that are there come otherwise from now on."""
    from drillbook.range.practice import change_traffic

    flow = change_traffic(folder, on=on, rate=rate, shape=shape)
    if as_json:
        tell_json(asdict(flow))
        return
    say(f"{flow.shape.value}, {flow.rate:g} requests a second before that")


@traffic_app.command(name="stop", epilog=examples("drillbook range traffic stop"))
def stop_clients(folder: Folder = FOLDER, on: On = "production", as_json: Json = False) -> None:
    """Stop the clients; their record stays."""
    from drillbook.range.practice import stop_traffic, traffic_record

    stopped = stop_traffic(folder, on=on)
    if as_json:
        tell_json({"stopped": stopped} | traffic_record(folder, on=on).model_dump(mode="json"))
        return
    said = "stopped the clients" if stopped else "there were no clients"
    say(f"{said}: in all {traffic_record(folder, on=on).says}")


@traffic_app.command(
    name="status",
    epilog=examples(
        "drillbook range traffic status",
        "drillbook range traffic status --since 2026-11-24T14:00 --json",
    ),
)
def traffic_status(
    folder: Folder = FOLDER,
    on: On = "production",
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Show what the clients met, in all or between two times."""
    from drillbook.range.practice import traffic_record

    found = traffic_record(folder, on=on, since=_utc(since), until=_utc(until))
    if as_json:
        tell_json(found.model_dump(mode="json"))
        return
    say(found.says)
    for error, count in found.errors.items():
        say(f"  {count:,} times: {error}")


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None else None


def _ignore(says: str) -> None:
    """Show nothing: a program reads the end only."""


def _tell(found: "RangeStatus", *, as_json: bool) -> None:
    if as_json:
        tell_json(asdict(found) | {"running": found.running})
        return
    for part in found.parts:
        word = paint("runs   ", "green") if part.running else paint("stopped", "yellow")
        port = f", port {part.port}" if part.port else ""
        pid = f", pid {part.pid}" if part.pid else ""
        say(f"  {word}  {part.name}: {part.says}{port}{pid}")
    say(f"  stack    {found.stack_file}")
