-- What TTL does to the active parts of each table, disk and rule, from the parts' TTL infos: each array holds the sums now, in 1 hour, 6 hours, 1 day and
-- 7 days. `whole` counts a part when its last row expires; `spread` takes its rows as evenly spread from the first to the last. What begins later is left
-- out. A part that waits for several moves counts for the latest one due and for those to come. Kinds `never delete` and `never move` are of parts without
-- such an info, `never` of those without any.
-- params:
--   max_rows  UInt64
-- columns:
--   database              String
--   table                 String
--   disk                  String
--   kind                  String
--   expression            String
--   parts                 UInt64
--   rows                  UInt64
--   active_bytes          UInt64          B
--   whole_rows            Array(UInt64)
--   whole_bytes           Array(UInt64)   B
--   whole_first_seconds   Int64           s
--   spread_rows           Array(Float64)
--   spread_bytes          Array(Float64)  B
--   spread_first_seconds  Int64           s
-- needs: system.parts, system.disks
-- cost: moderate, walks all parts; aggregated on the server
-- engines: 21.1+
WITH
    toInt64(now()) AS t0,
    t0 + 3600 AS t1,
    t0 + 21600 AS t2,
    t0 + 86400 AS t3,
    t0 + 604800 AS t4,
    t4 + 1 AS later
SELECT
    database,
    table,
    disk_name AS disk,
    kind,
    expression,
    count() AS parts,
    sum(part_rows) AS rows,
    sum(size) AS active_bytes,
    [sumIf(part_rows, z <= t0), sumIf(part_rows, z <= t1), sumIf(part_rows, z <= t2), sumIf(part_rows, z <= t3), sumIf(part_rows, z <= t4)] AS whole_rows,
    [sumIf(size, z <= t0), sumIf(size, z <= t1), sumIf(size, z <= t2), sumIf(size, z <= t3), sumIf(size, z <= t4)] AS whole_bytes,
    min(z) - t0 AS whole_first_seconds,
    [sum(s0 * part_rows), sum(s1 * part_rows), sum(s2 * part_rows), sum(s3 * part_rows), sum(s4 * part_rows)] AS spread_rows,
    [sum(s0 * size), sum(s1 * size), sum(s2 * size), sum(s3 * size), sum(s4 * size)] AS spread_bytes,
    min(a) - t0 AS spread_first_seconds
FROM
(
    SELECT
        database,
        table,
        disk_name,
        part_rows,
        size,
        rule.1 AS kind,
        rule.2 AS expression,
        rule.3 AS a,
        rule.4 AS z,
        greatest(z - a, 1) AS span,
        greatest(0, least(1, (t0 - a) / span)) AS s0,
        greatest(0, least(1, (t1 - a) / span)) AS s1,
        greatest(0, least(1, (t2 - a) / span)) AS s2,
        greatest(0, least(1, (t3 - a) / span)) AS s3,
        greatest(0, least(1, (t4 - a) / span)) AS s4
    FROM
    (
        SELECT
            database,
            table,
            disk_name,
            rows AS part_rows,
            bytes_on_disk AS size,
            toInt64(delete_ttl_info_max) AS last_delete,
            arrayMax(arrayMap(at -> if(toInt64(at) <= t0, toInt64(at), 1), move_ttl_info.max)) AS due,
            arrayJoin(if(
                last_delete = 0 AND empty(move_ttl_info.max) AND empty(rows_where_ttl_info.max),
                [('never', '', later, later)],
                arrayFilter(rule -> rule.3 <= later AND rule.4 > 0, arrayConcat(
                    [if(last_delete = 0, ('never delete', '', later, later), ('delete', '', toInt64(delete_ttl_info_min), last_delete))],
                    if(
                        empty(move_ttl_info.max),
                        [('never move', '', later, later)],
                        arrayFilter(
                            rule -> rule.4 >= due,
                            arrayMap((e, at) -> ('move', e, toInt64(at), toInt64(at)), move_ttl_info.expression, move_ttl_info.max)
                        )
                    ),
                    arrayMap(
                        (e, first, last) -> ('delete where', e, toInt64(first), toInt64(last)),
                        rows_where_ttl_info.expression, rows_where_ttl_info.min, rows_where_ttl_info.max
                    )
                ))
            )) AS rule
        FROM system.parts
        WHERE active
    )
)
GROUP BY database, table, disk_name, kind, expression
ORDER BY active_bytes DESC
LIMIT {max_rows:UInt64}
