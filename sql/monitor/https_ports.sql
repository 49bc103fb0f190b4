-- The HTTPS port of every host of a cluster, found through one of them. Slow when a host hangs: background only.
-- params:
--   cluster  String
-- columns:
--   shard_num     UInt32
--   display_name  String
--   tcp_port      UInt16
--   http_port     UInt16
-- cost: moderate, one connection to every host
-- engines: 22.9+
SELECT _shard_num AS shard_num, display_name, tcp_port, http_port
FROM clusterAllReplicas({cluster:String}, view(
    SELECT
        hostName() AS display_name,
        toUInt16(getServerPort('tcp_port')) AS tcp_port,
        toUInt16(getServerPort('https_port')) AS http_port
    FROM system.one
))
