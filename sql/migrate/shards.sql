-- The shards of a cluster with their weights.
-- params:
--   cluster  String
-- columns:
--   shard_num     UInt32
--   shard_weight  UInt32
-- needs: system.clusters
-- cost: cheap, reads the server's configuration
-- engines: 18.16+
SELECT DISTINCT shard_num, shard_weight
FROM system.clusters
WHERE cluster = {cluster:String}
ORDER BY shard_num
