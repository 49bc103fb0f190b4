-- Writes {count} log lines into otel.logs, the same for the same seed: four in five belong to a trace that fill_traces writes with the
-- same seed (of {spans} spans), in ascending time over {days} days, busiest at noon, about 2 % errors.
-- params:
--   seed     UInt64
--   count    UInt64
--   spans    UInt64
--   days     Float64  d
--   from_ns  Int64    ns since 1970, the first line's time
-- cost: costly, writes everything
-- engines: 24.8+
INSERT INTO otel.logs
(
    Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body, ResourceSchemaUrl, ResourceAttributes,
    ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes
)
WITH
    cityHash64({seed:UInt64}, number, 'log') AS line_hash,
    number / {count:UInt64} * {days:Float64} AS elapsed,
    -- the trace that runs at this moment
    least(toUInt64(floor(number / {count:UInt64} * {spans:UInt64} / 5)), intDiv(greatest({spans:UInt64}, 1) - 1, 40) * 8) AS trace,
    line_hash % 5 != 0 AS traced,
    ['frontend', 'api-gateway', 'product-catalog', 'recommendation', 'cart', 'checkout', 'payment', 'shipping', 'email', 'currency', 'inventory',
        'search', 'user-profile', 'fraud-detection', 'ad'][toUInt8(intDiv(line_hash, 8) % 15) + 1] AS service,
    multiIf(line_hash % 100 < 2, 'ERROR', line_hash % 100 < 7, 'WARN', line_hash % 100 < 25, 'DEBUG', 'INFO') AS severity,
    toString(intDiv(line_hash, 131) % 5000) AS item,
    toString(5 + intDiv(line_hash, 7919) % 240) AS milliseconds,
    toString(1 + intDiv(line_hash, 65536) % 3) AS pod,
    elapsed - floor(elapsed) AS day_part,
    {from_ns:Int64} + toInt64(floor(elapsed)) * 86400000000000
        + toInt64((day_part + 0.6 * sin(2 * pi() * day_part) / (2 * pi())) * 86400000000000) + toInt64(line_hash % 90000) AS start_ns
SELECT
    fromUnixTimestamp64Nano(start_ns),
    if(traced, lower(hex(sipHash128({seed:UInt64}, trace))), ''),
    if(traced, lower(leftPad(hex(cityHash64({seed:UInt64}, trace, toUInt8(0), 'span')), 16, '0')), ''),
    toUInt8(traced),
    severity,
    transform(severity, ['DEBUG', 'INFO', 'WARN', 'ERROR'], [5, 9, 13, 17], 0),
    service,
    multiIf(
        severity = 'ERROR', concat('request failed: upstream ', ['payment', 'inventory', 'search'][toUInt8(line_hash % 3) + 1], ' did not answer in 3000 ms, item=', item),
        severity = 'WARN', concat('slow response: ', milliseconds, ' ms for item=', item, ', budget is 100 ms'),
        severity = 'DEBUG', concat('cache ', if(line_hash % 4 = 0, 'miss', 'hit'), ' key=item:', item),
        concat('handled request method=GET item=', item, ' status=200 took=', milliseconds, 'ms')),
    'https://opentelemetry.io/schemas/1.26.0',
    map(
        'service.name', service,
        'deployment.environment', 'production',
        'k8s.cluster.name', 'eu-central-1',
        'k8s.namespace.name', if(service IN ('frontend', 'api-gateway'), 'edge', 'shop'),
        'k8s.pod.name', concat(service, '-', substring(lower(hex(cityHash64(service, floor(elapsed / 7)))), 1, 9), '-', pod),
        'k8s.container.name', service),
    '',
    concat('io.appsentry.', service),
    '1.14.0',
    map(),
    map('log.iostream', if(severity = 'ERROR', 'stderr', 'stdout'), 'item.id', item, 'thread.name', concat('worker-', toString(line_hash % 16)))
FROM numbers({count:UInt64})
SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 250000, min_insert_block_size_bytes = 200000000, compile_expressions = 0
