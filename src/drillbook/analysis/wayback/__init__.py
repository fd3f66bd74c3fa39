"""From the catalog before and after a migration to the statements that lead back."""
