-- Parts the host fetches from other replicas now, the longest first.
-- params:
--   max_rows  UInt64
-- columns:
--   database          String
--   table             String
--   result_part_name  String
--   partition_id      String
--   source_replica    String
--   source_host_name  String
--   source_port       UInt16
--   elapsed_seconds   Float64  s
--   progress_ratio    Float64
--   total_size_bytes  UInt64   B
--   read_bytes        UInt64   B
--   to_detached       UInt8
-- needs: system.replicated_fetches
-- cost: cheap, in memory
-- engines: 20.12+
SELECT
    database,
    table,
    result_part_name,
    partition_id,
    splitByChar('/', source_replica_path)[-1] AS source_replica,
    source_replica_hostname AS source_host_name,
    source_replica_port AS source_port,
    elapsed AS elapsed_seconds,
    progress AS progress_ratio,
    total_size_bytes_compressed AS total_size_bytes,
    bytes_read_compressed AS read_bytes,
    to_detached
FROM system.replicated_fetches
ORDER BY elapsed DESC
LIMIT {max_rows:UInt64}
