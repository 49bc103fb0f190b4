-- Errors counted since the server started, the latest first.
-- params:
--   max_rows  UInt64
-- columns:
--   name                    String
--   code                    Int32
--   errors                  UInt64
--   last_error_age_seconds  Int64   s
--   last_error_message      String
-- needs: system.errors
-- cost: cheap, counters in memory
-- engines: 21.4+
SELECT
    name,
    code,
    toUInt64(sum(value)) AS errors,
    min(toInt64(now()) - toInt64(last_error_time)) AS last_error_age_seconds,
    substring(argMax(counted.last_error_message, last_error_time), 1, 500) AS last_error_message
FROM system.errors AS counted
GROUP BY name, code
ORDER BY last_error_age_seconds, name
LIMIT {max_rows:UInt64}
