-- Row policies on tables of some databases.
-- params:
--   databases  Array(String)
-- columns:
--   name            String
--   database        String
--   table           String
--   condition       String
--   is_restrictive  UInt8
--   applies_to      String
-- needs: system.row_policies
-- cost: cheap, in memory
-- engines: 20.8+
SELECT
    short_name AS name,
    policies.database AS database,
    policies.table AS table,
    ifNull(select_filter, '') AS condition,
    policies.is_restrictive AS is_restrictive,
    concat(
        if(apply_to_all, 'all', arrayStringConcat(arraySort(apply_to_list), ', ')),
        if(empty(apply_to_except), '', concat(' but ', arrayStringConcat(arraySort(apply_to_except), ', ')))
    ) AS applies_to
FROM system.row_policies AS policies
WHERE has({databases:Array(String)}, policies.database)
