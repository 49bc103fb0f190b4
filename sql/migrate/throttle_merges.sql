-- How many merges and mutations of parts run.
-- params:
-- columns:
--   merges  UInt64
-- needs: system.merges
-- cost: cheap, in memory
-- engines: 18.16+
SELECT count() AS merges
FROM system.merges AS merges
