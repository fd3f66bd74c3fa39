"""Small books and a stack whose actions need no server: commands that leave a line in a file."""

import sys

PLAIN = """\
## Runbook: Small

### Steps
1. **Look**
   - See the light
   - Polish it (if needed)
2. **Leave**
   - Close the door
"""
COMMANDS = """\
## Runbook: One Write

### Steps
1. **Act**
   - Leave a mark `@command.run on=production name=mark argument=one as marked`
     - undo: `@command.run on=production name=unmark`
2. **Look**
   - See that it is there

## Runbook: Failing

### Steps
1. **Act**
   - Leave a mark `@command.run on=production name=mark as marked`
     - undo: `@command.run on=production name=unmark`
   - Fail `@command.run on=production name=fail`
     - undo: none, because it does nothing

## Runbook: Slow

### Steps
1. **Act**
   - Take a while `@command.run on=staging name=slow`
     - undo: none, because it only waits

## Runbook: Choice

### Steps
1. **Choose**
   - How to go on `@choose`
     - To the left
     - To the right
"""


def stack(production: str = "confirm") -> str:
    """Return a stack file; `production` is what a write there asks for."""
    mark = "import os; open('marks', 'a').write(os.environ['DRILLBOOK_ARGUMENT'] + '\\\\n')"
    unmark = "import pathlib; pathlib.Path('marks').unlink(missing_ok=True)"
    wait = "import time, pathlib; [time.sleep(0.05) for _ in iter(pathlib.Path('go').exists, True)]"
    return f"""\
[environments.production]
[environments.staging]

[commands.mark]
argv = ["{sys.executable}", "-c", "{mark}"]
[commands.unmark]
argv = ["{sys.executable}", "-c", "{unmark}"]
idempotent = true
[commands.fail]
argv = ["{sys.executable}", "-c", "raise SystemExit(3)"]
[commands.slow]
argv = ["{sys.executable}", "-c", "{wait}"]
idempotent = true

[policy]
production = {{ write = "{production}" }}

[roles]
dba = ["li", "kim"]
"""
