-- Adds the parts of one partition of a table to another's, by hard links. Sent twice it adds them twice.
-- params:
--   table         Table
--   partition_id  String
--   from          Table
-- cost: cheap, hard links to one partition's parts
-- engines: 18.16+
ALTER TABLE {table:Table} ATTACH PARTITION ID {partition_id:String} FROM {from:Table}
