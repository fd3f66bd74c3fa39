"""The drill of deployments: each fault and each healthy release, through the shipped runbook."""
