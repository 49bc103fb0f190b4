-- Where some replicas of the host are in ZooKeeper, writable ones first: their `is_active` znodes belong to the host's
-- session. None of the columns that cost Keeper requests is read.
-- params:
--   replicas  UInt64
-- columns:
--   replica_path  String
-- needs: system.replicas
-- cost: cheap, in memory; grows with the number of Replicated tables
-- engines: 18.16+
SELECT replica_path
FROM system.replicas
ORDER BY is_readonly, database, table
LIMIT {replicas:UInt64}
