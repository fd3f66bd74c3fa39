"""Everything a task can name, by its address."""

from drillbook.actions import (
    app,
    backup,
    checks,
    command,
    database,
    deployment,
    errors,
    metrics,
    migration,
    platform,
    postmortem,
    ratelimit,
    repository,
    runbook,
)
from drillbook.core.catalog import catalog

CATALOG = catalog(
    app.domain,
    backup.domain,
    checks.domain,
    command.domain,
    database.domain,
    deployment.domain,
    errors.domain,
    metrics.domain,
    migration.domain,
    platform.domain,
    postmortem.domain,
    ratelimit.domain,
    repository.domain,
    runbook.domain,
)
