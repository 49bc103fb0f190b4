-- Parts on their way to another disk of the host, the longest first.
-- params:
--   max_rows  UInt64
-- columns:
--   database         String
--   table            String
--   part_name        String
--   target_disk      String
--   size_bytes       UInt64   B
--   elapsed_seconds  Float64  s
-- needs: system.moves
-- cost: cheap, in memory
-- engines: 23.1+
SELECT
    database,
    table,
    part_name,
    target_disk_name AS target_disk,
    part_size AS size_bytes,
    elapsed AS elapsed_seconds
FROM system.moves
ORDER BY elapsed DESC
LIMIT {max_rows:UInt64}
