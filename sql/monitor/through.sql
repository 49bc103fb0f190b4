-- One probe asked of every host through one of them. `probe` is the probe's own text, run on each host.
-- Hosts that do not answer are left out by the server in silence: the caller names them.
-- params:
--   cluster  String
-- columns:
--   through_shard_num     UInt32
--   through_display_name  String
--   through_tcp_port      UInt16
-- cost: as the probe, on every host, and one connection to each
-- engines: 22.9+
SELECT _shard_num AS through_shard_num, *
FROM clusterAllReplicas({cluster:String}, view(
    SELECT hostName() AS through_display_name, toUInt16(getServerPort('tcp_port')) AS through_tcp_port, *
    FROM (
        {probe}
    )
))
