-- The disks of the host.
-- params:
-- columns:
--   name             String
--   path             String
--   type             Nullable(String)
--   free_bytes       UInt64            B
--   total_bytes      UInt64            B
--   keep_free_bytes  UInt64            B
-- needs: system.disks
-- cost: moderate, asks the file systems
-- engines: 19.15+
SELECT
    name,
    path,
    toNullable(disks.type) AS type, -- optional: system.disks.type
    free_space AS free_bytes,
    total_space AS total_bytes,
    keep_free_space AS keep_free_bytes
FROM system.disks AS disks
ORDER BY name
