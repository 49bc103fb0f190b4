-- Writes {count} spans into otel.traces, the same for the same seed: traces of 1 to 12 spans (5 on average) of ten request flows
-- through fifteen services, in ascending time over {days} days, busiest at noon, about 2 % of the spans failed.
-- params:
--   seed     UInt64
--   count    UInt64
--   days     Float64  d
--   from_ns  Int64    ns since 1970, the first span's time
-- cost: costly, writes everything
-- engines: 24.8+
INSERT INTO otel.traces
(
    Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName, ScopeVersion,
    SpanAttributes, Duration, StatusCode, StatusMessage,
    `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`
)
WITH
    -- forty spans are eight traces of these sizes: 1 3 5 8 2 12 6 3
    toUInt8(number % 40) AS in_group,
    toUInt8(arrayCount(x -> x <= in_group, [1, 4, 9, 17, 19, 31, 37])) AS in_traces,
    in_group - [0, 1, 4, 9, 17, 19, 31, 37][in_traces + 1] AS position,
    intDiv(number, 40) * 8 + in_traces AS trace,
    cityHash64({seed:UInt64}, trace) AS trace_hash,
    cityHash64({seed:UInt64}, trace, position, 'span') AS span_hash,
    -- a flow: root service, method, route, first, second and side service, worker, database
    [
        ('frontend', 'GET', '/', 'api-gateway', 'product-catalog', 'recommendation', 'ad', 'redis'),
        ('frontend', 'GET', '/product/{id}', 'api-gateway', 'product-catalog', 'inventory', 'recommendation', 'postgresql'),
        ('frontend', 'GET', '/search', 'api-gateway', 'search', 'product-catalog', 'ad', 'elasticsearch'),
        ('frontend', 'POST', '/cart', 'api-gateway', 'cart', 'inventory', 'recommendation', 'redis'),
        ('frontend', 'POST', '/checkout', 'api-gateway', 'checkout', 'payment', 'email', 'postgresql'),
        ('frontend', 'GET', '/profile', 'api-gateway', 'user-profile', 'cart', 'email', 'postgresql'),
        ('api-gateway', 'POST', '/api/orders', 'checkout', 'payment', 'fraud-detection', 'shipping', 'postgresql'),
        ('api-gateway', 'GET', '/api/rates', 'currency', 'product-catalog', 'inventory', 'ad', 'redis'),
        ('api-gateway', 'POST', '/api/quote', 'shipping', 'inventory', 'currency', 'email', 'mysql'),
        ('api-gateway', 'DELETE', '/api/cart/{id}', 'cart', 'inventory', 'user-profile', 'fraud-detection', 'redis')
    ][[1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10][toUInt8(trace_hash % 16) + 1]] AS flow,
    flow.1 AS root, flow.2 AS method, flow.3 AS route, flow.4 AS first, flow.5 AS second, flow.6 AS side, flow.7 AS worker, flow.8 AS storage,
    [root, root, first, first, first, second, second, first, worker, worker, worker, second][position + 1] AS service,
    ['', first, '', '', second, '', storage, '', '', '', storage, side][position + 1] AS peer,
    ['Server', 'Client', 'Server', 'Internal', 'Client', 'Server', 'Client', 'Producer', 'Consumer', 'Internal', 'Client', 'Client'][position + 1] AS kind,
    position IN (6, 10) AS is_storage,
    position IN (7, 8) AS is_message,
    ['', concat('orders.', first)][is_message + 1] AS topic,
    -- three traces in a hundred fail, at the root and one call down
    trace_hash % 1000 BETWEEN 500 AND 529 AND position < 3 AS failed,
    ['timeout after 3000 ms waiting for upstream', 'connection refused by upstream', 'pool exhausted: 32 of 32 connections in use'][toUInt8(trace_hash % 3) + 1] AS failure,
    multiIf(failed, ['504', '503', '500'][toUInt8(trace_hash % 3) + 1], span_hash % 50 = 0, '404', method = 'POST', '201', '200') AS http_status,
    -- the fraction of a day is bent so that noon is four times as busy as midnight
    trace * 5 / (intDiv({count:UInt64} + 39, 40) * 40) * {days:Float64} AS elapsed,
    elapsed - floor(elapsed) AS day_part,
    {from_ns:Int64} + toInt64(floor(elapsed)) * 86400000000000
        + toInt64((day_part + 0.6 * sin(2 * pi() * day_part) / (2 * pi())) * 86400000000000)
        + toInt64(trace_hash % 1000) + [0, 1, 3, 4, 5, 7, 8, 9, 40, 42, 43, 9][position + 1] * 1000000 + toInt64(span_hash % 900000) AS start_ns,
    toUInt64([180000000, 150000000, 120000000, 4000000, 60000000, 45000000, 9000000, 2000000, 80000000, 20000000, 9000000, 25000000][position + 1]
        * exp(1.6 * ((span_hash % 1000 + intDiv(span_hash, 1000) % 1000 + intDiv(span_hash, 1000000) % 1000) / 1000 - 1.5))
        * if(failed, 12, 1)) AS duration_ns,
    toString(1 + intDiv(trace_hash, 65536) % 3) AS pod,
    lower(hex(sipHash128({seed:UInt64}, trace))) AS trace_id
SELECT
    fromUnixTimestamp64Nano(start_ns),
    trace_id,
    lower(leftPad(hex(span_hash), 16, '0')),
    if(position = 0, '', lower(leftPad(hex(cityHash64({seed:UInt64}, trace, [0, 0, 1, 2, 2, 4, 5, 2, 7, 8, 9, 5][position + 1], 'span')), 16, '0'))),
    if(trace_hash % 10 = 0, 'sampled=parent', ''),
    multiIf(is_storage, concat(storage, if(storage = 'redis', ' GET', ' SELECT')), is_message, concat(topic, if(kind = 'Producer', ' publish', ' process')),
        kind = 'Internal', concat('handle ', service), kind = 'Client', concat(method, ' ', peer), concat(method, ' ', route)),
    kind,
    service,
    map(
        'service.name', service,
        'service.version', concat('1.', toString(20 + toUInt16(floor(elapsed / 7))), '.0'),
        'deployment.environment', 'production',
        'k8s.cluster.name', 'eu-central-1',
        'k8s.namespace.name', if(service IN ('frontend', 'api-gateway'), 'edge', 'shop'),
        'k8s.pod.name', concat(service, '-', substring(lower(hex(cityHash64(service, floor(elapsed / 7)))), 1, 9), '-', pod),
        'k8s.node.name', concat('node-', toString(cityHash64(service, pod) % 12)),
        'telemetry.sdk.language', if(cityHash64(service) % 2 = 0, 'go', 'java')),
    concat('io.appsentry.', if(is_storage, 'sql', 'http')),
    '1.14.0',
    multiIf(
        is_storage, map('db.system', storage, 'db.name', 'shop', 'db.operation', if(storage = 'redis', 'GET', 'SELECT'), 'peer.service', storage, 'net.peer.port', '5432'),
        is_message, map('messaging.system', 'kafka', 'messaging.destination.name', topic, 'messaging.operation', if(kind = 'Producer', 'publish', 'process')),
        kind = 'Internal', map('code.function', concat('handle_', first), 'thread.id', toString(span_hash % 64)),
        kind = 'Client', map('http.method', method, 'http.url', concat('http://', peer, '.shop.svc:8080', route), 'http.status_code', http_status, 'peer.service', peer),
        map('http.method', method, 'http.route', route, 'http.status_code', http_status, 'http.user_agent', 'Mozilla/5.0 (X11; Linux x86_64)',
            'net.peer.ip', concat('10.', toString(span_hash % 4), '.', toString(intDiv(span_hash, 4) % 32), '.', toString(intDiv(span_hash, 128) % 250)))),
    duration_ns,
    multiIf(failed, 'Error', position = 0, 'Ok', 'Unset'),
    if(failed, failure, ''),
    if(failed, [fromUnixTimestamp64Nano(start_ns + toInt64(duration_ns))], []),
    if(failed, ['exception'], []),
    if(failed, [map('exception.type', 'UpstreamError', 'exception.message', failure, 'exception.escaped', 'false')], []),
    if(position = 8, [trace_id], []),
    if(position = 8, [lower(leftPad(hex(cityHash64({seed:UInt64}, trace, 7, 'span')), 16, '0'))], []),
    if(position = 8, [''], []),
    if(position = 8, [map('link.kind', 'producer')], [])
FROM numbers({count:UInt64})
SETTINGS max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 250000, min_insert_block_size_bytes = 200000000, compile_expressions = 0
