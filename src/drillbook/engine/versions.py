"""Runs of another step protocol: only a worker of the version that began them carries them on."""

from typing import Any

from drillbook.engine.store import STEP_PROTOCOL, UNDER_WAY, WORKFLOW, Store, client, store_errors


def is_stranded(status: Any) -> bool:  # Any: DBOS's status type is loose
    """Whether a run under way was begun with other steps than this version takes."""
    return status.status in UNDER_WAY and status.app_version not in (None, STEP_PROTOCOL)


def stranded(store: Store) -> tuple[str, ...]:
    """Return the runs under way that no worker of this version carries on."""
    with client(store) as dbos, store_errors(store):
        found = dbos.list_workflows(
            name=WORKFLOW, status=UNDER_WAY, load_input=False, load_output=False
        )
    return tuple(status.workflow_id for status in found if is_stranded(status))
