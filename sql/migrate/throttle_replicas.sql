-- Of some Replicated tables what is in their queues, and how far they are behind. None of the columns that cost Keeper
-- requests is read. A delay of ten years and more counts from 1970: such a replica has never initialised, and gives 0.
-- params:
--   database  String
--   tables    Array(String)
-- columns:
--   table          String
--   queue_entries  UInt64
--   delay_seconds  UInt64  s
-- needs: system.replicas
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    table,
    toUInt64(queue_size) AS queue_entries,
    toUInt64(if(absolute_delay < 315360000, absolute_delay, 0)) AS delay_seconds
FROM system.replicas AS replicas
WHERE database = {database:String} AND has({tables:Array(String)}, table)
ORDER BY table
