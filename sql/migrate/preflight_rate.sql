-- Read some rows of v1 as the copy does, in v2's form, and throw them away but for their digest.
-- params:
--   given     Sql     the expression of each column of v2
--   from      Sql
--   max_rows  UInt64
-- columns:
--   rows    UInt64
--   digest  UInt64
-- cost: costly, reads every column of so many rows
-- engines: 18.16+
SELECT count() AS rows, sum(hash) AS digest
FROM
(
    SELECT {given:Sql} AS hash
    FROM {from:Sql}
    LIMIT {max_rows:UInt64}
)
