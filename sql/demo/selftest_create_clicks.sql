-- Makes the smaller of the self test's two tables of v1.
-- params:
--   table  Table
-- cost: cheap
-- engines: 18.16+
CREATE TABLE {table:Table}
(
    ts DateTime,
    page String,
    times UInt8
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY page
