-- Makes the larger of the self test's two tables of v1.
-- params:
--   table  Table
-- cost: cheap
-- engines: 18.16+
CREATE TABLE {table:Table}
(
    ts DateTime,
    id String,
    kind String,
    value Float64,
    note Nullable(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(ts)
ORDER BY ts
