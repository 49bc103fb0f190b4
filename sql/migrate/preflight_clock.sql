-- The server's clock in milliseconds since 1970.
-- params:
-- columns:
--   now_ms  Int64  ms
-- cost: cheap, no table
-- engines: 20.6+
SELECT toUnixTimestamp64Milli(now64(3)) AS now_ms
