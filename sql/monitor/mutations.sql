-- Mutations that are not done on the host, those that fail first, then the oldest. Texts are cut: a command at 20,000
-- characters, a reason at 2,000.
-- params:
--   max_rows  UInt64
-- columns:
--   database                 String
--   table                    String
--   mutation_id              String
--   command                  String
--   age_seconds              Int64             s
--   parts_to_do              Int64
--   parts_in_progress        Nullable(UInt64)
--   is_killed                Nullable(UInt8)
--   latest_failed_part       Nullable(String)
--   latest_fail_age_seconds  Nullable(Int64)   s
--   latest_fail_reason       Nullable(String)
--   postpone_reason          Nullable(String)
-- needs: system.mutations
-- cost: moderate, asks every MergeTree table; may wait for a table's locks
-- engines: 18.16+
SELECT
    database,
    table,
    mutation_id,
    substringUTF8(command, 1, 20000) AS command,
    toInt64(now()) - toInt64(create_time) AS age_seconds,
    parts_to_do,
    toNullable(length(mutations.parts_in_progress_names)) AS parts_in_progress, -- optional: system.mutations.parts_in_progress_names
    toNullable(mutations.is_killed) AS is_killed, -- optional: system.mutations.is_killed
    toNullable(mutations.latest_failed_part) AS latest_failed_part, -- optional: system.mutations.latest_failed_part
    if(toUInt32(mutations.latest_fail_time) = 0, NULL, toInt64(now()) - toInt64(mutations.latest_fail_time)) AS latest_fail_age_seconds, -- optional: system.mutations.latest_fail_time
    toNullable(substringUTF8(mutations.latest_fail_reason, 1, 2000)) AS latest_fail_reason, -- optional: system.mutations.latest_fail_reason
    toNullable(substringUTF8(arrayStringConcat(arrayDistinct(mapValues(mutations.parts_postpone_reasons)), ', '), 1, 500)) AS postpone_reason -- optional: system.mutations.parts_postpone_reasons
FROM system.mutations AS mutations
WHERE NOT is_done
ORDER BY latest_fail_reason DESC, age_seconds DESC, database, table, mutation_id
LIMIT {max_rows:UInt64}
