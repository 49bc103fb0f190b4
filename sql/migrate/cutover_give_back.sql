-- Stages the rows of v2 which v1 has less often, within some time, in v1's form. A row is told by the hash of its form in v2.
-- params:
--   staging    Table
--   columns    Sql    v1's columns that are given
--   picked     Sql    the value of each of them that equal rows of v2 give
--   returned   Sql    the expression over v2's columns that gives each
--   kept       Sql    the same columns of v1 itself
--   row_hash   Sql    over v2's columns
--   own_hash   Sql    the same over v1's columns
--   from       Sql    the table function that reads v2
--   where      Sql    which rows of v2
--   source     Table  the table of v1
--   own_where  Sql    which rows of v1
--   settings   Sql    empty for none
-- cost: costly, reads the rows of an hour on both sides
-- engines: 18.16+
INSERT INTO {staging:Table} ({columns:Sql})
SELECT {columns:Sql}
FROM
(
    SELECT
        {picked:Sql},
        sum(chtui_there) AS chtui_wanted,
        sum(chtui_here) AS chtui_found,
        range(toUInt64(if(chtui_wanted > chtui_found, chtui_wanted - chtui_found, 0))) AS chtui_lacking
    FROM
    (
        SELECT {returned:Sql}, {row_hash:Sql} AS chtui_hash, toUInt64(1) AS chtui_there, toUInt64(0) AS chtui_here
        FROM {from:Sql}
        WHERE {where:Sql}
        UNION ALL
        SELECT {kept:Sql}, {own_hash:Sql} AS chtui_hash, toUInt64(0) AS chtui_there, toUInt64(1) AS chtui_here
        FROM {source:Table}
        WHERE {own_where:Sql}
    )
    GROUP BY chtui_hash
)
ARRAY JOIN chtui_lacking
SETTINGS {settings:Sql}
