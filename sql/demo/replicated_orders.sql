-- A replicated table. This engine has no interserver port, so it stays read-only: a true alarm.
-- cost: cheap
-- engines: 24.8+
CREATE TABLE IF NOT EXISTS demo.replicated_orders
(
    Time DateTime,
    Id UInt64,
    Value String
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/replicated_orders', '{replica}')
PARTITION BY toYYYYMM(Time)
ORDER BY (Time, Id)
