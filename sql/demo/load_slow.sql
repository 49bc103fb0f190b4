-- An analyst's slow question: it takes {rows} tenths of a second, nearly all of them asleep, so that it costs no CPU.
-- params:
--   rows  UInt64  0.1 s
-- columns:
--   Kind    LowCardinality(String)
--   events  UInt64
--   pauses  UInt8
-- cost: cheap
-- engines: 24.8+
SELECT Kind, count() AS events, max(pause) AS pauses
FROM (SELECT Kind, sleepEachRow(0.1) AS pause FROM demo.events LIMIT {rows:UInt64})
GROUP BY Kind
SETTINGS max_threads = 1, max_block_size = 20, function_sleep_max_microseconds_per_block = 60000000
