"""`drillbook doctor`: each setting proven by using it."""

from typing import TYPE_CHECKING, Annotated

import typer

from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.telling import paint, say, tell_json, visible
from drillbook.cli.usage import examples, new_app

if TYPE_CHECKING:
    from drillbook.stack.doctor import Finding

app = new_app()


@app.command(epilog=examples("drillbook doctor", "drillbook doctor --json"))
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove each setting by using it; the exit code is 9 when something does not work."""
    from drillbook.stack.doctor import examine
    from drillbook.stack.settings import load_settings
    from drillbook.stack.stack import load_stack

    stack, settings = load_stack(), load_settings()
    if as_json:
        found = examine(stack, settings)
        tell_json([finding.model_dump(mode="json") for finding in found])
    else:
        found = examine(stack, settings, on_finding=_show)
    wrong = sum(not finding.ok for finding in found)
    if not as_json:
        ended = f"{wrong} of {len(found)} do not work." if wrong else f"All {len(found)} work."
        say(paint(ended, "red" if wrong else "green", "bold"))
    if wrong:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _show(finding: "Finding") -> None:
    word = paint("works", "green") if finding.ok else paint("wrong", "red")
    say(f"{word}  {finding.name}: {visible(finding.says)} ({finding.seconds:.1f} s)")
    if finding.hint:
        say(f"       {visible(finding.hint)}")
