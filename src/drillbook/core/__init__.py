"""The words all share: values, plans, errors, secrets and the catalog; imports nothing of ours."""
