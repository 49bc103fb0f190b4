-- How an aggregate's states of one partition compare with what its base gives for the same keys, counted by key and, in
-- `differing`, by value.
-- params:
--   states         Table
--   state_columns  Sql    keys, then values, out of the states
--   of_states      Sql    which states
--   state_groups   Sql
--   base           Table
--   base_columns   Sql    the same keys and values, out of the base's rows
--   of_base        Sql    which rows
--   base_groups    Sql
--   keys           Sql
--   differs        Sql    an array that has 1 for each value that differs
-- columns:
--   keys                 UInt64
--   keys_without_states  UInt64
--   keys_without_rows    UInt64
--   keys_differing       UInt64
--   differing            Array(UInt64)
-- cost: costly, reads the columns of the aggregate from every row of the partition
-- engines: 18.16+
SELECT
    count() AS keys,
    countIf(in_states = 0) AS keys_without_states,
    countIf(in_base = 0) AS keys_without_rows,
    countIf(arrayExists(each -> each != 0, differs)) AS keys_differing,
    sumForEach(differs) AS differing
FROM
(
    SELECT
        countIf(chtui_side = 1) AS in_states,
        countIf(chtui_side = 0) AS in_base,
        {differs:Sql} AS differs
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
)
