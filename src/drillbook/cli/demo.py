"""`drillbook demo`: a migration that succeeds, and one that is taken back."""

from drillbook.cli.usage import examples, new_app

app = new_app()


@app.command(epilog=examples("drillbook demo"))
def demo() -> None:
    """See one migration succeed and one be taken back."""
    from drillbook.drills.demo import run_demo

    run_demo()
