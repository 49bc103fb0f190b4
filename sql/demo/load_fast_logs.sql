-- A dashboard's question: the newest error lines of one service.
-- params:
--   service  String
-- columns:
--   Timestamp  DateTime64(9)
--   Body       String
-- cost: cheap
-- engines: 24.8+
SELECT Timestamp, Body
FROM otel.logs
WHERE ServiceName = {service:String} AND TimestampTime >= now() - INTERVAL 1 HOUR AND SeverityText = 'ERROR'
ORDER BY Timestamp DESC
LIMIT 20
SETTINGS max_threads = 1
