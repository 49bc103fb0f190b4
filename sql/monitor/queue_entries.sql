-- The entries of one table's replication queue on the host, the oldest first, each with its cause.
-- The cause is, in this order: `executing`, of an entry that runs and has not failed, or that someone stopped and that now
-- runs for more than 10 s; what the last exception means, unless the entry was put off for more than 60 s after its last
-- try for another reason than that failure; what the reason means why it was put off, if that came after the last try;
-- else whether it was tried at all. Of the phrases that are known the first in the text counts; they are those of
-- ClickHouse 18.16 and 26.9.
-- params:
--   database  String
--   table     String
--   max_rows  UInt64
-- columns:
--   node_name            String
--   type                 String
--   new_part_name        String
--   source_replica       String
--   cause                String
--   age_seconds          Int64   s
--   attempt_age_seconds  Int64   s
--   num_tries            UInt32
--   num_postponed        UInt32
--   is_executing         UInt8
--   exception            String
--   reason               String
-- needs: system.replication_queue
-- cost: cheap, in memory; grows with the number of the table's entries
-- engines: 18.16+
WITH
    last_exception != '' AND (last_attempt_time + 60 >= last_postpone_time OR position(postpone_reason, 'it has failed') > 0) AS is_failed,
    multiIf(is_failed, last_exception, last_postpone_time >= last_attempt_time, postpone_reason, '') AS said,
    transform(
        extract(said, 'Cannot reserve|ot enough space|No space left|No active replica has|Fetching of part was cancelled|fetches are cancelled|merges and mutations are cancelled|merges with TTL are cancelled|Cancelled m|KEEPER_EXCEPTION|Coordination|KeeperException|ession expired|Memory limit|hecksum|CHECKSUM|CORRUPTED|Bad size of file|covered by|going to be|drop or replace intent|fetches already executing|fetches have already throttled|source parts size|merges with TTL already|Not executing merge|already fetching|not pulled from log|TEMPORARILY_LOCKED|not ready yet|another log entry|not disjoint|Cannot execute alter|ALTER_METADATA|REPLACE_RANGE|broken part with that name|patch part|lightweight update'),
        ['Cannot reserve', 'ot enough space', 'No space left', 'No active replica has',
         'Fetching of part was cancelled', 'fetches are cancelled', 'merges and mutations are cancelled',
         'merges with TTL are cancelled', 'Cancelled m', 'KEEPER_EXCEPTION', 'Coordination', 'KeeperException',
         'ession expired', 'Memory limit', 'hecksum', 'CHECKSUM', 'CORRUPTED', 'Bad size of file', 'covered by',
         'going to be', 'drop or replace intent', 'fetches already executing', 'fetches have already throttled',
         'source parts size', 'merges with TTL already', 'Not executing merge', 'already fetching',
         'not pulled from log', 'TEMPORARILY_LOCKED', 'not ready yet', 'another log entry', 'not disjoint',
         'Cannot execute alter', 'ALTER_METADATA', 'REPLACE_RANGE', 'broken part with that name', 'patch part',
         'lightweight update'],
        ['disk full', 'disk full', 'disk full', 'no replica has the part', 'fetches stopped', 'fetches stopped',
         'merges stopped', 'merges stopped', 'merges stopped', 'Keeper failing', 'Keeper failing', 'Keeper failing',
         'Keeper failing', 'memory limit', 'data damaged', 'data damaged', 'data damaged', 'data damaged',
         'superseded', 'superseded', 'superseded', 'waiting on fetch pool', 'waiting on fetch pool',
         'waiting on merge pool', 'waiting on merge pool', 'waiting on another replica', 'waiting on another entry',
         'waiting on another entry', 'waiting on another entry', 'waiting on another entry',
         'waiting on another entry', 'waiting on another entry', 'waiting on another entry',
         'waiting on another entry', 'waiting on another entry', 'waiting on another entry',
         'waiting on another entry', 'waiting on another entry'],
        '') AS known
SELECT
    node_name,
    type,
    new_part_name,
    source_replica,
    multiIf(
        is_currently_executing AND (NOT is_failed OR (known IN ('fetches stopped', 'merges stopped') AND last_attempt_time + 10 < now())), 'executing',
        known != '', known,
        is_failed, transform(type, ['GET_PART', 'ATTACH_PART', 'MERGE_PARTS', 'MUTATE_PART'], ['fetch failing', 'fetch failing', 'merge failing', 'mutation failing'], 'other exception'),
        said != '', 'postponed',
        num_tries = 0, 'not tried yet',
        'between tries') AS cause,
    toInt64(now()) - toInt64(create_time) AS age_seconds,
    if(toInt64(last_attempt_time) > 0, toInt64(now()) - toInt64(last_attempt_time), -1) AS attempt_age_seconds,
    num_tries,
    num_postponed,
    is_currently_executing AS is_executing,
    substring(last_exception, 1, 4000) AS exception,
    substring(postpone_reason, 1, 4000) AS reason
FROM system.replication_queue
WHERE database = {database:String} AND table = {table:String}
ORDER BY create_time, node_name
LIMIT {max_rows:UInt64}
