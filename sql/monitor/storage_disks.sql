-- The disks of the host with their sizes; what is kept free is in neither the free nor the total bytes.
-- params:
-- columns:
--   disk              String
--   path              String
--   type              Nullable(String)
--   free_bytes        UInt64            B
--   total_bytes       UInt64            B
--   keep_free_bytes   UInt64            B
--   unreserved_bytes  Nullable(UInt64)  B
--   is_broken         Nullable(UInt8)
--   is_read_only      Nullable(UInt8)
-- needs: system.disks
-- cost: moderate, asks the file systems
-- engines: 19.15+
SELECT
    name AS disk,
    path,
    toNullable(toString(disks.type)) AS type, -- optional: system.disks.type
    free_space AS free_bytes,
    total_space AS total_bytes,
    keep_free_space AS keep_free_bytes,
    toNullable(disks.unreserved_space) AS unreserved_bytes, -- optional: system.disks.unreserved_space
    toNullable(disks.is_broken) AS is_broken, -- optional: system.disks.is_broken
    toNullable(disks.is_read_only) AS is_read_only -- optional: system.disks.is_read_only
FROM system.disks AS disks
ORDER BY name
