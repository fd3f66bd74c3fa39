-- The report should be of today. Whoever reads it waits until it is computed.
REFRESH MATERIALIZED VIEW daily_revenue;
