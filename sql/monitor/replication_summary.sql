-- All Replicated tables of the host in one row. None of the columns that cost Keeper requests is read.
-- A delay of ten years and more counts from 1970: such a replica has never initialised.
-- params:
--   delay_seconds  UInt64  s
--   queue_entries  UInt64
-- columns:
--   tables                      UInt64
--   readonly_tables             UInt64
--   expired_tables              UInt64
--   never_synced_tables         UInt64
--   max_delay_seconds           UInt64  s
--   queue_entries               UInt64
--   max_queue_entries           UInt64
--   inserts_in_queue            UInt64
--   merges_in_queue             UInt64
--   parts_to_check              UInt64
--   oldest_queue_entry_seconds  Int64   s
--   suspect_tables              UInt64
-- needs: system.replicas
-- cost: cheap, in memory; grows with the number of Replicated tables
-- engines: 18.16+
SELECT
    count() AS tables,
    toUInt64(countIf(is_readonly)) AS readonly_tables,
    toUInt64(countIf(is_session_expired)) AS expired_tables,
    toUInt64(countIf(absolute_delay >= 315360000)) AS never_synced_tables,
    toUInt64(maxIf(absolute_delay, absolute_delay < 315360000)) AS max_delay_seconds,
    toUInt64(sum(queue_size)) AS queue_entries,
    toUInt64(max(queue_size)) AS max_queue_entries,
    toUInt64(sum(replicas.inserts_in_queue)) AS inserts_in_queue,
    toUInt64(sum(replicas.merges_in_queue)) AS merges_in_queue,
    toUInt64(sum(replicas.parts_to_check)) AS parts_to_check,
    toInt64(maxIf(toInt64(now()) - toInt64(queue_oldest_time), toInt64(queue_oldest_time) > 0)) AS oldest_queue_entry_seconds,
    toUInt64(countIf(is_readonly OR is_session_expired OR (absolute_delay >= {delay_seconds:UInt64}) OR (queue_size >= {queue_entries:UInt64}))) AS suspect_tables
FROM system.replicas AS replicas
