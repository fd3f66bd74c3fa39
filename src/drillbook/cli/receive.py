"""`drillbook receive`: takes log lines that are sent here, and keeps them."""

import json
import sys
from typing import Annotated

import typer

from drillbook.cli.telling import say
from drillbook.cli.usage import examples, new_app

app = new_app()
PORT = 4318  # where exporters of OpenTelemetry send to


@app.command(
    epilog=examples(
        "drillbook receive",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318/production/sent your-app",
        "drillbook receive --host 0.0.0.0 --port 8080",
    )
)
def receive(
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; others than this machine need tokens.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port; 0 is any that is free.")
    ] = PORT,
    lines_a_second: Annotated[
        float, typer.Option("--lines-a-second", min=1, help="The most that each source may send.")
    ] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """
    Take log lines from senders, and keep them; until Ctrl-C or SIGTERM.

    OpenTelemetry sends them (OTLP over HTTP), and Vercel's log drains. Each source with
    provider = "received" has its address. What is answered with success is on
    the disk; what is not is to be sent again. Behind a proxy that speaks HTTPS for the outside.
    """
    from drillbook.api.receiving.receivers import receivers_of
    from drillbook.api.receiving.serving import serve
    from drillbook.stack.stack import load_stack

    receivers = receivers_of(load_stack(), lines_a_second=lines_a_second)

    def ready(host: str, port: int) -> None:
        place = f"[{host}]" if ":" in host else host
        at = {one.key: f"http://{place}:{port}/{one.key}" for one in receivers}
        if as_json:
            _print({"event": "listening", "port": port, "receivers": at})
            return
        for one in receivers:
            say(f"{one.key}")
            say(f"  OpenTelemetry  {at[one.key]}/v1/logs and /v1/traces{_needs(one.token)}")
            drain = f"{at[one.key]}/vercel, signed" if one.secret else "no secret is set: closed"
            say(f"  Vercel drain   {drain}")
        sys.stdout.flush()  # it stays open for long

    reception = serve(receivers, host=host, port=port, ready=ready)
    for key, tally in reception.tallies.items():
        if as_json:
            _print({"event": "ended", "receiver": key, **tally.shown()})
        else:
            say(
                f"{key}: {tally.lines} lines in {tally.requests} requests kept, "
                f"{tally.rejected} records not understood, {tally.turned_away} requests turned away"
            )


def _print(event: dict[str, object]) -> None:
    print(json.dumps(event), flush=True)


def _needs(token: object) -> str:
    return ", with its token" if token else ", open to this machine"
