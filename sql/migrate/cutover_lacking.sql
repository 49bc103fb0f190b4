-- How many rows of v2 v1 has less often, within some time. A row is told by the hash of its form in v2.
-- params:
--   row_hash   Sql    over v2's columns
--   own_hash   Sql    the same over v1's columns
--   from       Sql    the table function that reads v2
--   where      Sql    which rows of v2
--   source     Table  the table of v1
--   own_where  Sql    which rows of v1
-- columns:
--   chtui_rows  UInt64
-- cost: costly, reads the rows of an hour on both sides
-- engines: 18.16+
SELECT sum(toUInt64(if(chtui_wanted > chtui_found, chtui_wanted - chtui_found, 0))) AS chtui_rows
FROM
(
    SELECT
        sum(chtui_there) AS chtui_wanted,
        sum(chtui_here) AS chtui_found
    FROM
    (
        SELECT {row_hash:Sql} AS chtui_hash, toUInt64(1) AS chtui_there, toUInt64(0) AS chtui_here
        FROM {from:Sql}
        WHERE {where:Sql}
        UNION ALL
        SELECT {own_hash:Sql} AS chtui_hash, toUInt64(0) AS chtui_there, toUInt64(1) AS chtui_here
        FROM {source:Table}
        WHERE {own_where:Sql}
    )
    GROUP BY chtui_hash
)
