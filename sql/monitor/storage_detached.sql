-- What the detached parts of all tables take on each disk of the host.
-- params:
-- columns:
--   disk            String
--   detached_parts  UInt64
--   detached_bytes  Nullable(UInt64)  B
-- needs: system.detached_parts, system.disks
-- cost: costly, walks the folders of all tables
-- engines: 19.15+
SELECT
    disk,
    count() AS detached_parts,
    toNullable(sum(detached.bytes_on_disk)) AS detached_bytes -- optional: system.detached_parts.bytes_on_disk
FROM system.detached_parts AS detached
GROUP BY disk
ORDER BY disk
