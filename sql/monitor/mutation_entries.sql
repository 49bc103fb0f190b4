-- The parts of Replicated tables that wait in the replication queue to be mutated, a row a table: how many, and what
-- one of them last failed with or waits for.
-- params:
--   max_rows  UInt64
-- columns:
--   database               String
--   table                  String
--   entries                UInt64
--   executing              UInt64
--   failing                UInt64
--   tries                  UInt64
--   entry_exception        String
--   failed_part            String
--   entry_postpone_reason  String
-- needs: system.replication_queue
-- cost: cheap, in memory; grows with the length of the queues
-- engines: 18.16+
SELECT
    database,
    table,
    count() AS entries,
    toUInt64(sum(is_currently_executing)) AS executing,
    toUInt64(countIf(queue.last_exception != '')) AS failing,
    toUInt64(max(num_tries)) AS tries,
    substringUTF8(argMax(queue.last_exception, queue.last_exception != ''), 1, 2000) AS entry_exception,
    argMax(new_part_name, queue.last_exception != '') AS failed_part,
    substringUTF8(argMax(queue.postpone_reason, num_postponed), 1, 500) AS entry_postpone_reason
FROM system.replication_queue AS queue
WHERE type = 'MUTATE_PART'
GROUP BY database, table
ORDER BY failing DESC, entries DESC, database, table
LIMIT {max_rows:UInt64}
