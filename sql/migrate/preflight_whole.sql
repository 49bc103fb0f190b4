-- Ten thousand numbers: fewer come where the user's profile cuts every answer. `limit` and `offset` are not told by system.settings,
-- for a query takes them off before it runs.
-- params:
-- columns:
--   number  UInt64
-- needs: system.numbers
-- cost: cheap, 80 kB
-- engines: 18.16+
SELECT number
FROM system.numbers
LIMIT 10000
