-- Where in Keeper the server's DDL queue is.
-- params:
-- columns:
--   value  String
-- needs: system.server_settings
-- cost: cheap, reads the server's configuration
-- engines: 23.3+
SELECT value
FROM system.server_settings
WHERE name = 'distributed_ddl.path'
