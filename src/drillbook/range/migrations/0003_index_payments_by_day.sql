-- The monthly report reads payments by time. CONCURRENTLY: outside a transaction, nobody waits.
CREATE INDEX CONCURRENTLY payments_created_idx ON payments (created_at) WHERE status = 'paid';
