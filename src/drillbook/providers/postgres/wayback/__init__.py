"""Ways back of migrations, derived from the catalog and proven on clones."""

from drillbook.providers.postgres.wayback.rehearsing import PostgresWaysBack, rehearse_way_back

__all__ = ["PostgresWaysBack", "rehearse_way_back"]
