-- Writes this shard's part of {count} events into demo.events, the same for the same seed, over {days} days.
-- params:
--   seed    UInt64
--   count   UInt64
--   days    Float64   d
--   from    DateTime
--   shards  UInt64
--   shard   UInt64    counted from 1
-- cost: moderate, writes everything
-- engines: 24.8+
INSERT INTO demo.events (EventTime, EventId, ServiceName, Kind, Payload)
WITH cityHash64({seed:UInt64}, number, 'event') AS event
SELECT
    {from:DateTime} + toUInt32(number / {count:UInt64} * {days:Float64} * 86400),
    event,
    ['frontend', 'api-gateway', 'cart', 'checkout', 'payment', 'shipping'][toUInt8(intDiv(event, 7) % 6) + 1],
    ['deploy', 'scale', 'login', 'order', 'refund'][toUInt8(intDiv(event, 13) % 5) + 1],
    concat('{"user":', toString(event % 5000), ',"region":"eu-', toString(event % 3), '","text":"', repeat('lorem ipsum ', toUInt8(event % 8) + 1), '"}')
FROM numbers({count:UInt64})
WHERE event % {shards:UInt64} = {shard:UInt64} - 1
SETTINGS max_threads = 1, max_insert_threads = 1
