-- Of the disks that hold parts of a database the one with the least room, by the share that is free.
-- params:
--   database  String
-- columns:
--   disk         String
--   free_bytes   UInt64  B
--   total_bytes  UInt64  B
-- needs: system.disks system.parts
-- cost: moderate, asks the file systems and walks one database's parts
-- engines: 19.15+
SELECT name AS disk, free_space AS free_bytes, total_space AS total_bytes
FROM system.disks AS disks
WHERE total_space > 0
    AND name IN (SELECT disk_name FROM system.parts AS parts WHERE active AND database = {database:String})
ORDER BY free_space / total_space, name
LIMIT 1
