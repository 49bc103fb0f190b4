-- Drops a table the demo began to fill and did not finish, and waits until its data is gone.
-- params:
--   database  Identifier
--   table     Identifier
-- cost: cheap
-- engines: 24.8+
DROP TABLE IF EXISTS {database:Identifier}.{table:Identifier} SYNC
