-- Puts the parts of one partition of a table in the place of another's, by hard links. From an empty one it would leave nothing.
-- params:
--   table         Table
--   partition_id  String
--   from          Table
-- cost: cheap, hard links to one partition's parts
-- engines: 18.16+
ALTER TABLE {table:Table} REPLACE PARTITION ID {partition_id:String} FROM {from:Table}
