-- That the host answers, and since when it runs. Reads no table a lock could hold up.
-- params:
-- columns:
--   version         String
--   uptime_seconds  UInt32    s
--   server_time     DateTime
--   display_name    String
-- cost: cheap, no table
-- engines: 18.16+
SELECT
    version() AS version,
    toUInt32(uptime()) AS uptime_seconds,
    now() AS server_time,
    hostName() AS display_name
