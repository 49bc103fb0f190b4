-- What the parts of all tables take on each disk of the host.
-- params:
-- columns:
--   disk            String
--   active_parts    UInt64
--   active_bytes    UInt64  B
--   inactive_parts  UInt64
--   inactive_bytes  UInt64  B
-- needs: system.parts, system.disks
-- cost: moderate, walks all parts; aggregated on the server
-- engines: 19.15+
SELECT
    disk_name AS disk,
    countIf(active) AS active_parts,
    sumIf(bytes_on_disk, active) AS active_bytes,
    countIf(NOT active) AS inactive_parts,
    sumIf(bytes_on_disk, NOT active) AS inactive_bytes
FROM system.parts
GROUP BY disk_name
ORDER BY disk_name
