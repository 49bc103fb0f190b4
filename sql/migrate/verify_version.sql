-- The server's version: whether it answers at all.
-- columns:
--   version  String
-- cost: cheap, no table
-- engines: 18.16+
SELECT version() AS version
