-- As lease_create, where tables have no comment: it is that of the first column.
-- params:
--   lease    Table
--   comment  Sql    a text, quoted
-- columns:
-- cost: cheap, one table
-- engines: 18.16+
CREATE TABLE {lease:Table}
(
    until DateTime
        COMMENT {comment:Sql},
    is_released UInt8,
    journal_seq UInt64
)
ENGINE = MergeTree
ORDER BY until
