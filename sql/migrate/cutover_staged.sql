-- Of rows that are staged in v1's form: how many there are, how many of them v2 does not have, or not as often, and how many v1 does
-- not lack. A row is told by the hash of its form in v2.
-- params:
--   staged     Table  the staging table
--   row_hash   Sql    over v2's columns
--   own_hash   Sql    the same over v1's columns
--   from       Sql    the table function that reads v2
--   where      Sql    which rows of v2
--   source     Table  the table of v1
--   own_where  Sql    which rows of v1
-- columns:
--   chtui_rows     UInt64
--   chtui_strange  UInt64
--   chtui_come     UInt64
-- cost: costly, reads the rows of an hour on both sides
-- engines: 18.16+
SELECT
    sum(chtui_own) AS chtui_rows,
    sum(toUInt64(if(chtui_own > chtui_wanted, chtui_own - chtui_wanted, 0))) AS chtui_strange,
    sum(toUInt64(if(chtui_own > chtui_lacking, chtui_own - chtui_lacking, 0))) AS chtui_come
FROM
(
    SELECT
        sum(chtui_there) AS chtui_wanted,
        sum(chtui_here) AS chtui_found,
        sum(chtui_back) AS chtui_own,
        toUInt64(if(chtui_wanted > chtui_found, chtui_wanted - chtui_found, 0)) AS chtui_lacking
    FROM
    (
        SELECT {row_hash:Sql} AS chtui_hash, toUInt64(1) AS chtui_there, toUInt64(0) AS chtui_here, toUInt64(0) AS chtui_back
        FROM {from:Sql}
        WHERE {where:Sql}
        UNION ALL
        SELECT {own_hash:Sql} AS chtui_hash, toUInt64(0) AS chtui_there, toUInt64(1) AS chtui_here, toUInt64(0) AS chtui_back
        FROM {source:Table}
        WHERE {own_where:Sql}
        UNION ALL
        SELECT {own_hash:Sql} AS chtui_hash, toUInt64(0) AS chtui_there, toUInt64(0) AS chtui_here, toUInt64(1) AS chtui_back
        FROM {staged:Table}
    )
    GROUP BY chtui_hash
)
