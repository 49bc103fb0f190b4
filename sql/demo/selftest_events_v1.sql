-- Gives v1's events as v2 must hold them, one by one.
-- params:
--   table  Table
-- columns:
--   row_seconds  UInt32  s since 1970
--   id           String
--   row_kind     String
--   row_value    String
--   row_note     String
--   row_day      String
-- cost: cheap, a table of the self test
-- engines: 18.16+
SELECT
    toUInt32(ts) AS row_seconds,
    id,
    lower(kind) AS row_kind,
    toString(value) AS row_value,
    ifNull(note, 'NULL!') AS row_note,
    toString(toDate(ts)) AS row_day
FROM {table:Table}
