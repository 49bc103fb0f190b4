-- Drops one partition of a table.
-- params:
--   table         Table
--   partition_id  String
-- cost: cheap, one partition's parts
-- engines: 18.16+
ALTER TABLE {table:Table} DROP PARTITION ID {partition_id:String}
