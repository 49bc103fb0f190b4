-- Take one generation of a run's lease: of all who try, the server lets one. The table's comment says who it was.
-- Rows are signs of life: a lease runs out at the greatest `until`.
-- params:
--   lease    Table
--   comment  Sql    a text, quoted
-- columns:
-- needs: system.tables.comment
-- cost: cheap, one table
-- engines: 21.12+
CREATE TABLE {lease:Table}
(
    until DateTime,
    is_released UInt8,
    journal_seq UInt64
)
ENGINE = MergeTree
ORDER BY until
COMMENT {comment:Sql}
