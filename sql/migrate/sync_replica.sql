-- Waits until a replica has fetched what others have written.
-- params:
--   table  Table
-- cost: cheap, waits for fetches that are due anyway
-- engines: 18.16+
SYSTEM SYNC REPLICA {table:Table}
