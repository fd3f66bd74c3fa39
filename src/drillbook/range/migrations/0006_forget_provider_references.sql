-- What the payment provider called a payment, and old audit rows, go for good: there is no way
-- back but a restore.
ALTER TABLE payments DROP COLUMN provider_reference;
DELETE FROM audit_log WHERE at < now() - interval '30 days';
