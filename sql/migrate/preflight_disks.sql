-- The disks with what is free on them.
-- params:
-- columns:
--   disk          String
--   free_bytes    UInt64           B
--   total_bytes   UInt64           B
--   is_broken     Nullable(UInt8)
--   is_read_only  Nullable(UInt8)
-- needs: system.disks
-- cost: moderate, asks the file systems
-- engines: 19.15+
SELECT
    name AS disk,
    free_space AS free_bytes,
    total_space AS total_bytes,
    toNullable(disks.is_broken) AS is_broken, -- optional: system.disks.is_broken
    toNullable(disks.is_read_only) AS is_read_only -- optional: system.disks.is_read_only
FROM system.disks AS disks
