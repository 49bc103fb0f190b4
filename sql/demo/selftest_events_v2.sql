-- Gives the events of one host of v2, one by one.
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
    toString(kind) AS row_kind,
    toString(value) AS row_value,
    ifNull(note, 'NULL!') AS row_note,
    toString(day) AS row_day
FROM {table:Table}
