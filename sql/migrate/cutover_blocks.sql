-- The newest block of every partition of some tables: it grows with every insert, and by no merge.
-- params:
--   database  String
--   names     Array(String)  of tables
-- columns:
--   table         String
--   partition_id  String
--   newest_block  Int64
-- needs: system.parts
-- cost: cheap, the parts of some tables
-- engines: 18.16+
SELECT table, partition_id, max(max_block_number) AS newest_block
FROM system.parts
WHERE active AND database = {database:String} AND has({names:Array(String)}, table)
GROUP BY table, partition_id
