-- Makes a database unless it is there.
-- params:
--   database  Identifier
-- cost: cheap
-- engines: 24.8+
CREATE DATABASE IF NOT EXISTS {database:Identifier}
