-- The volumes of all storage policies of the host, in the order in which they are filled.
-- params:
-- columns:
--   policy                      String
--   volume                      String
--   priority                    UInt64
--   disks                       Array(String)
--   max_data_part_bytes         UInt64           B
--   move_factor                 Float64
--   prefer_not_to_merge         Nullable(UInt8)
--   perform_ttl_move_on_insert  Nullable(UInt8)
-- needs: system.storage_policies
-- cost: cheap, in memory
-- engines: 19.15+
SELECT
    policy_name AS policy,
    volume_name AS volume,
    volume_priority AS priority,
    disks,
    max_data_part_size AS max_data_part_bytes,
    round(toFloat64(policies.move_factor), 6) AS move_factor,
    toNullable(policies.prefer_not_to_merge) AS prefer_not_to_merge, -- optional: system.storage_policies.prefer_not_to_merge
    toNullable(policies.perform_ttl_move_on_insert) AS perform_ttl_move_on_insert -- optional: system.storage_policies.perform_ttl_move_on_insert
FROM system.storage_policies AS policies
ORDER BY policy_name, volume_priority
