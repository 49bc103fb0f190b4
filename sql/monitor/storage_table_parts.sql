-- What each table's parts take on each disk of the host, the largest first. The age of the oldest data is -1 where the partition key holds no date.
-- params:
--   max_rows  UInt64
-- columns:
--   database             String
--   table                String
--   disk                 String
--   active_parts         UInt64
--   rows                 UInt64
--   active_bytes         UInt64  B
--   inactive_bytes       UInt64  B
--   oldest_data_seconds  Int64   s
-- needs: system.parts, system.disks
-- cost: moderate, walks all parts; aggregated on the server
-- engines: 19.15+
SELECT
    database,
    table,
    disk_name AS disk,
    countIf(active) AS active_parts,
    sumIf(parts.rows, active) AS rows,
    sumIf(bytes_on_disk, active) AS active_bytes,
    sumIf(bytes_on_disk, NOT active) AS inactive_bytes,
    if(maxIf(first_data, active) <= 0, -1, toInt64(now()) - minIf(first_data, active AND first_data > 0)) AS oldest_data_seconds
FROM
(
    SELECT
        database,
        table,
        disk_name,
        active,
        rows,
        bytes_on_disk,
        if(toUInt32(min_time) > 0, toInt64(min_time), toInt64(toDateTime(min_date))) AS first_data
    FROM system.parts
) AS parts
GROUP BY database, table, disk_name
ORDER BY active_bytes DESC
LIMIT {max_rows:UInt64}
