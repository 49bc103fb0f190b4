-- The hosts of one cluster, and which of them the server recognises as itself. No row: it does not know the cluster.
-- params:
--   cluster  String
-- columns:
--   host_name  String
--   port       UInt16
--   is_local   UInt8
-- cost: cheap, reads the server's configuration; asked once a connection
-- engines: 18.16+
SELECT host_name, port, max(is_local) AS is_local
FROM system.clusters
WHERE cluster = {cluster:String}
GROUP BY host_name, port
