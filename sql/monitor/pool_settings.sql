-- What the background pools are set to: their sizes, and how many free entries merges and mutations ask for.
-- params:
-- columns:
--   name   String
--   value  Float64
-- needs: system.server_settings system.merge_tree_settings
-- cost: cheap, values in memory
-- engines: 23.3+
SELECT name, toFloat64OrZero(value) AS value
FROM system.server_settings
WHERE name LIKE 'background%pool_size' OR name = 'background_merges_mutations_concurrency_ratio'
UNION ALL
SELECT name, toFloat64OrZero(value) AS value
FROM system.merge_tree_settings
WHERE name = 'number_of_free_entries_in_pool_to_execute_mutation'
