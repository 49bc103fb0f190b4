-- Every cluster the server knows, one row for each replica.
-- params:
-- columns:
--   cluster      String
--   shard_num    UInt32
--   replica_num  UInt32
--   host_name    String
--   port         UInt16
--   is_local     UInt8
-- cost: cheap, reads the server's configuration; may resolve host names
-- engines: 18.16+
SELECT cluster, shard_num, replica_num, host_name, port, is_local
FROM system.clusters
ORDER BY cluster, shard_num, replica_num
