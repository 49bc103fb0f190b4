-- Has the parts of one partition learn when their rows expire, and drops those that have. Returns at once.
-- params:
--   table         Table
--   partition_id  String
-- cost: costly, reads the columns of the expiry and may write the partition anew
-- engines: 20.6+ (IN PARTITION)
ALTER TABLE {table:Table} MATERIALIZE TTL IN PARTITION ID {partition_id:String}
