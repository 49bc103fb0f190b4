-- The sessions the server has with the ensembles it is configured with.
-- params:
-- columns:
--   name                    String
--   host                    String
--   port                    UInt16
--   is_expired              UInt8
--   session_uptime_seconds  UInt64            s
--   session_id              Nullable(String)
-- needs: system.zookeeper_connection
-- cost: cheap, in memory
-- engines: 22.11+
SELECT
    name,
    host,
    port,
    is_expired,
    session_uptime_elapsed_seconds AS session_uptime_seconds,
    toNullable(lower(hex(toUInt64(sessions.client_id)))) AS session_id -- optional: system.zookeeper_connection.client_id
FROM system.zookeeper_connection AS sessions
