-- Of the disks of a storage policy the one with the most room, by the share that is free: rows go to the next disk where one is full.
-- params:
--   policy  String
-- columns:
--   disk         String
--   free_bytes   UInt64  B
--   total_bytes  UInt64  B
-- needs: system.disks system.storage_policies
-- cost: moderate, asks the file systems
-- engines: 19.15+
SELECT name AS disk, free_space AS free_bytes, total_space AS total_bytes
FROM system.disks AS disks
WHERE total_space > 0
    AND name IN (SELECT arrayJoin(policies.disks) FROM system.storage_policies AS policies WHERE policy_name = {policy:String})
ORDER BY free_space / total_space DESC, name
LIMIT 1
