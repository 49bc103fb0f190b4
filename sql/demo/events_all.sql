-- All shards' `demo.events` as one table.
-- cost: cheap
-- engines: 24.8+
CREATE TABLE IF NOT EXISTS demo.events_all AS demo.events
ENGINE = Distributed('appsentry_cluster', 'demo', 'events', EventId)
