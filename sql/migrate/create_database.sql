-- Makes a database where there is none of that name.
-- params:
--   database  Identifier
--   cluster   Identifier  empty for the host asked alone
-- cost: cheap, one database
-- engines: 18.16+
CREATE DATABASE IF NOT EXISTS {database:Identifier}
ON CLUSTER {cluster:Identifier}
