-- Writes {count} points into otel.metrics, the same for the same seed: 120 series (fifteen services, eight metrics) at even steps over
-- {days} days.
-- params:
--   seed     UInt64
--   count    UInt64
--   days     Float64  d
--   from_ns  Int64    ns since 1970, the first point's time
-- cost: costly, writes everything
-- engines: 24.8+
INSERT INTO otel.metrics (Timestamp, MetricName, ServiceName, Value, MetricType, ResourceAttributes, MetricAttributes)
WITH
    toUInt8(number % 120) AS series,
    intDiv(number, 120) AS step,
    cityHash64({seed:UInt64}, number, 'metric') AS point_hash,
    step * 120 / {count:UInt64} * {days:Float64} AS elapsed,
    ['frontend', 'api-gateway', 'product-catalog', 'recommendation', 'cart', 'checkout', 'payment', 'shipping', 'email', 'currency', 'inventory',
        'search', 'user-profile', 'fraud-detection', 'ad'][series % 15 + 1] AS service,
    intDiv(series, 15) AS metric,
    0.5 + 0.4 * sin(2 * pi() * (elapsed - 0.25)) AS load,
    (point_hash % 1000) / 1000 AS noise
SELECT
    fromUnixTimestamp64Nano({from_ns:Int64} + toInt64(elapsed * 86400) * 1000000000 + toInt64(series) * 1000000),
    ['process.cpu.utilization', 'process.memory.usage', 'http.server.active_requests', 'http.server.request.count', 'http.server.request.errors',
        'db.client.connections.usage', 'http.server.request.duration', 'queue.lag'][metric + 1],
    service,
    [
        round(load * 0.8 + noise * 0.1, 4),
        round((300 + 200 * load + 20 * noise) * 1048576),
        floor(load * 60 + noise * 5),
        step * (500 + series) + floor(noise * 100),
        step * 3 + floor(noise * 3),
        floor(load * 24 + noise * 4),
        round(0.02 + load * 0.15 + noise * 0.05, 5),
        if(noise > 0.95, floor(noise * 5000), floor(noise * 20))
    ][metric + 1],
    ['Gauge', 'Gauge', 'Gauge', 'Sum', 'Sum', 'Gauge', 'Histogram', 'Gauge'][metric + 1],
    map(
        'service.name', service,
        'deployment.environment', 'production',
        'k8s.cluster.name', 'eu-central-1',
        'k8s.namespace.name', if(service IN ('frontend', 'api-gateway'), 'edge', 'shop'),
        'k8s.pod.name', concat(service, '-', substring(lower(hex(cityHash64(service, floor(elapsed / 7)))), 1, 9), '-1')),
    if(metric IN (3, 4, 6), map('http.request.method', 'GET', 'http.response.status_code', if(metric = 4, '500', '200')), map('state', 'used'))
FROM numbers({count:UInt64})
SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 250000, min_insert_block_size_bytes = 200000000, compile_expressions = 0
