-- The MergeTree tables of the host with their active parts, and the cheap columns of their replica; largest first.
-- params:
--   max_rows  UInt64
-- columns:
--   database                String
--   table                   String
--   engine                  String
--   parts                   UInt64
--   rows                    UInt64
--   bytes_on_disk           UInt64  B
--   is_replicated           UInt8
--   is_readonly             UInt8
--   is_session_expired      UInt8
--   absolute_delay_seconds  UInt64  s
--   queue_entries           UInt32
-- needs: system.parts system.replicas system.tables
-- cost: moderate, walks all tables and parts; only while a host's detail is open
-- engines: 18.16+
SELECT
    database,
    table,
    engine,
    parts,
    rows,
    bytes_on_disk,
    toUInt8(engine LIKE 'Replicated%') AS is_replicated,
    is_readonly,
    is_session_expired,
    absolute_delay_seconds,
    queue_entries
FROM
(
    SELECT database, table, engine, parts, rows, bytes_on_disk
    FROM
    (
        SELECT database, name AS table, engine
        FROM system.tables
        WHERE engine LIKE '%MergeTree'
    ) AS merge_trees
    ANY LEFT JOIN
    (
        SELECT database, table, count() AS parts, sum(part.rows) AS rows, sum(part.bytes_on_disk) AS bytes_on_disk
        FROM system.parts AS part
        WHERE active
        GROUP BY database, table
    ) AS active_parts USING (database, table)
) AS sized
ANY LEFT JOIN
(
    SELECT
        database,
        table,
        is_readonly,
        is_session_expired,
        absolute_delay AS absolute_delay_seconds,
        queue_size AS queue_entries
    FROM system.replicas
) AS replicated USING (database, table)
ORDER BY bytes_on_disk DESC, database, table
LIMIT {max_rows:UInt64}
