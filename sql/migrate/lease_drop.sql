-- Forget one generation of a run's lease.
-- params:
--   lease  Table
-- columns:
-- cost: cheap, one table
-- engines: 18.16+
DROP TABLE IF EXISTS {lease:Table}
