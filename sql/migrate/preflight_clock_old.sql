-- As preflight_clock, in whole seconds.
-- params:
-- columns:
--   now_ms  Int64  ms
-- cost: cheap, no table
-- engines: 18.16+
SELECT toInt64(toUnixTimestamp(now())) * 1000 AS now_ms
