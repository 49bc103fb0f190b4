-- Writes {count} events of now into demo.events_all; with {days_ago} > 0 they come late and are moved to another volume at once.
-- params:
--   seed      UInt64
--   count     UInt64
--   days_ago  UInt32  d
-- cost: cheap
-- engines: 24.8+
INSERT INTO demo.events_all (EventTime, EventId, ServiceName, Kind, Payload)
SELECT
    now() - INTERVAL {days_ago:UInt32} DAY,
    cityHash64({seed:UInt64}, number, 'live') AS event,
    ['frontend', 'api-gateway', 'cart', 'checkout', 'payment', 'shipping'][toUInt8(event % 6) + 1],
    ['deploy', 'scale', 'login', 'order', 'refund'][toUInt8(event % 5) + 1],
    concat('{"user":', toString(event % 5000), ',"text":"live"}')
FROM numbers({count:UInt64})
-- else this engine wants READ ON FILE of the user
SETTINGS parallel_distributed_insert_select = 0
