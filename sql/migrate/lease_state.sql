-- How one generation of a run's lease stands by the server's clock, and which generation is the highest.
-- A holder that has given no sign of life yet holds it for `ttl_seconds` from the table's creation.
-- params:
--   lease        Table
--   database     String
--   table        String  the same table's name
--   pattern      String  a regular expression of the names of all generations
--   ttl_seconds  UInt32  s
-- columns:
--   highest          UInt32
--   age_seconds      Int64   s
--   expires_seconds  Int64   s
--   is_released      UInt8
--   journal_seq      UInt64
-- needs: system.tables
-- cost: cheap, the names of one database's tables, once, and one number a sign of life
-- engines: 18.16+
WITH (
    SELECT (
        max(toUInt32OrZero(if(match(name, {pattern:String}), extract(name, '[0-9]+$'), ''))),
        toUnixTimestamp(maxIf(metadata_modification_time, name = {table:String}))
    )
    FROM system.tables
    WHERE database = {database:String}
) AS listed
SELECT
    assumeNotNull(listed.1) AS highest,
    toInt64(toUnixTimestamp(now())) - toInt64(assumeNotNull(listed.2)) AS age_seconds,
    toInt64(if(beats = 0, assumeNotNull(listed.2) + {ttl_seconds:UInt32}, toUnixTimestamp(last)))
        - toInt64(toUnixTimestamp(now())) AS expires_seconds,
    released AS is_released,
    seq AS journal_seq
FROM
(
    SELECT
        count() AS beats,
        max(until) AS last,
        max(is_released) AS released,
        max(journal_seq) AS seq
    FROM {lease:Table}
)
