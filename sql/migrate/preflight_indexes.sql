-- The skip indexes of the tables of a database.
-- params:
--   database  String
-- columns:
--   table       String
--   name        String
--   type        String
--   expression  String
-- needs: system.data_skipping_indices
-- cost: cheap, in memory
-- engines: 21.8+
SELECT table, name, type, expr AS expression
FROM system.data_skipping_indices
WHERE database = {database:String}
ORDER BY table, name
