-- Whether tables have comments on this server.
-- params:
-- columns:
--   has_comments  UInt64
-- needs: system.columns
-- cost: cheap, one system table's columns
-- engines: 18.16+
SELECT count() AS has_comments
FROM system.columns
WHERE database = 'system' AND table = 'tables' AND name = 'comment'
