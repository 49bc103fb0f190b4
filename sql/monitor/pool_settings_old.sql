-- The same as `pool_settings` for servers that tell their pools' sizes among the settings of a user.
-- params:
-- columns:
--   name   String
--   value  Float64
-- needs: system.settings system.merge_tree_settings
-- cost: cheap, values in memory
-- engines: 18.16+
SELECT name, toFloat64OrZero(value) AS value
FROM system.settings
WHERE name LIKE 'background%pool_size' OR name = 'background_merges_mutations_concurrency_ratio'
UNION ALL
SELECT name, toFloat64OrZero(value) AS value
FROM system.merge_tree_settings
WHERE name = 'number_of_free_entries_in_pool_to_execute_mutation'
