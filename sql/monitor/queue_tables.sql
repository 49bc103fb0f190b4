-- The Replicated tables of the host and where their replicas are in ZooKeeper. None of the columns that cost Keeper
-- requests is read.
-- params:
--   max_rows  UInt64
-- columns:
--   database      String
--   table         String
--   replica_path  String
-- needs: system.replicas
-- cost: cheap, in memory; grows with the number of Replicated tables
-- engines: 18.16+
SELECT database, table, replica_path
FROM system.replicas
ORDER BY database, table
LIMIT {max_rows:UInt64}
