"""Ways back of migrations, derived from the catalog and proven on clones."""
