-- The columns of one table of v1 with what computes them, in their order.
-- params:
--   database  String
--   table     String
-- columns:
--   name                String
--   type                String
--   default_kind        String
--   default_expression  String
-- needs: system.columns
-- cost: cheap, one table
-- engines: 18.16+
SELECT name, type, default_kind, default_expression
FROM system.columns
WHERE database = {database:String} AND table = {table:String}
