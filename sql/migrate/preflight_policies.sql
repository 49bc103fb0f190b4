-- The volumes of all storage policies, in the order in which they are filled.
-- params:
-- columns:
--   policy  String
--   volume  String
--   disks   Array(String)
-- needs: system.storage_policies
-- cost: cheap, in memory
-- engines: 19.15+
SELECT policy_name AS policy, volume_name AS volume, disks
FROM system.storage_policies
ORDER BY policy_name, volume_priority
