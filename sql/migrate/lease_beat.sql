-- Give a sign of life, or let go of a lease. One that has run out stays so: nothing is written then.
-- params:
--   lease        Table
--   database     String
--   table        String  the same table's name
--   ttl_seconds  UInt32  s
--   is_released  UInt8
--   journal_seq  UInt64
-- columns:
-- needs: system.tables
-- cost: cheap, one row
-- engines: 18.16+
INSERT INTO {lease:Table} (until, is_released, journal_seq)
SELECT
    now() + {ttl_seconds:UInt32},
    {is_released:UInt8},
    {journal_seq:UInt64}
WHERE {is_released:UInt8} OR now() < (
    SELECT if(
        count() = 0,
        (
            SELECT max(metadata_modification_time)
            FROM system.tables
            WHERE database = {database:String} AND name = {table:String}
        ) + {ttl_seconds:UInt32},
        max(until)
    )
    FROM {lease:Table}
)
