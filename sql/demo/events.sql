-- The sharded table of the demo: one per host, with parts that move from volume to volume as they age.
-- cost: cheap
-- engines: 24.8+
CREATE TABLE demo.events
(
    EventTime DateTime CODEC(DoubleDelta, ZSTD(1)),
    EventId UInt64 CODEC(ZSTD(1)),
    ServiceName LowCardinality(String),
    Kind LowCardinality(String),
    Payload String CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toMonday(EventTime)
ORDER BY (ServiceName, EventTime)
TTL
    EventTime + INTERVAL 7 DAY TO VOLUME 'cold_volume',
    EventTime + INTERVAL 30 DAY TO VOLUME 'archive_volume',
    EventTime + INTERVAL 120 DAY DELETE
SETTINGS storage_policy = 'tiered_storage'
