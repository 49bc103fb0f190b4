-- Some keys of one partition for which an aggregate's states are not what its base gives; arrays are by value.
-- params:
--   states         Table
--   state_columns  Sql     keys, then values, out of the states
--   of_states      Sql     which states
--   state_groups   Sql
--   base           Table
--   base_columns   Sql     the same keys and values, out of the base's rows
--   of_base        Sql     which rows
--   base_groups    Sql
--   keys           Sql
--   differs        Sql     an array that has 1 for each value that differs
--   of_state       Sql     the values of the states, an array of text
--   of_rows        Sql     the values of the base, an array of text
--   limit          UInt64
-- columns:
--   key        Array(String)
--   in_states  UInt64
--   in_base    UInt64
--   differs    Array(UInt8)
--   of_state   Array(String)
--   of_rows    Array(String)
-- cost: costly, reads the columns of the aggregate from every row of the partition
-- engines: 18.16+
SELECT
    [{keys:Sql}] AS key,
    countIf(chtui_side = 1) AS in_states,
    countIf(chtui_side = 0) AS in_base,
    {differs:Sql} AS differs,
    {of_state:Sql} AS of_state,
    {of_rows:Sql} AS of_rows
FROM
(
    SELECT
        toUInt8(1) AS chtui_side,
        {state_columns:Sql}
    FROM {states:Table}
    WHERE {of_states:Sql}
    GROUP BY {state_groups:Sql}
    UNION ALL
    SELECT
        toUInt8(0) AS chtui_side,
        {base_columns:Sql}
    FROM {base:Table}
    WHERE {of_base:Sql}
    GROUP BY {base_groups:Sql}
)
GROUP BY {keys:Sql}
HAVING in_states = 0 OR in_base = 0 OR arrayExists(each -> each != 0, differs)
ORDER BY key
LIMIT {limit:UInt64}
