-- The replicas of some clusters as the server knows them, and whether Distributed tables leave replication to the tables below.
-- params:
--   clusters  Array(String)
-- columns:
--   cluster               String
--   shard_num             UInt32
--   shard_weight          UInt32
--   replica_num           UInt32
--   host_name             String
--   port                  UInt16
--   internal_replication  Nullable(UInt8)
-- needs: system.clusters
-- cost: cheap, reads the server's configuration
-- engines: 18.16+
SELECT
    cluster,
    shard_num,
    shard_weight,
    replica_num,
    host_name,
    port,
    toNullable(clusters.internal_replication) AS internal_replication -- optional: system.clusters.internal_replication
FROM system.clusters AS clusters
WHERE has({clusters:Array(String)}, cluster)
ORDER BY cluster, shard_num, replica_num
