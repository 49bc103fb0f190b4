-- Gives the spans of one batch in v1's names and spellings: the same for the same parameters, each with an id of its own in SpanId, four
-- to a trace, one in twenty failed.
-- params:
--   seed        UInt64
--   first       UInt64  the first row's id; the others follow
--   rows        UInt64
--   at_ns       Int64   ns since 1970, the last row's time
--   step_ns     Int64   ns between two rows
--   late_rows   UInt64  so many, from the first on, are late
--   late_ns     UInt64  ns at most
--   early_rows  UInt64  so many after these are early
--   early_ns    UInt64  ns at most
-- columns:
--   Timestamp           DateTime64(9)
--   TraceId             String
--   SpanId              String
--   ParentSpanId        String
--   TraceState          String
--   SpanName            String
--   SpanKind            String
--   ServiceName         String
--   ResourceAttributes  Map(String, String)
--   ScopeName           String
--   ScopeVersion        String
--   SpanAttributes      Map(String, String)
--   Duration            UInt64               ns
--   StatusCode          String
--   StatusMessage       String
--   Events.Timestamp    Array(DateTime64(9))
--   Events.Name         Array(String)
--   Events.Attributes   Array(Map(String, String))
--   Links.TraceId       Array(String)
--   Links.SpanId        Array(String)
--   Links.TraceState    Array(String)
--   Links.Attributes    Array(Map(String, String))
-- cost: cheap, computes its rows
-- engines: 24.8+
WITH
    {first:UInt64} + number AS id,
    -- spreads the ids over all numbers
    id * 11400714819323198485 AS scattered,
    {at_ns:Int64} - toInt64({rows:UInt64} - 1 - number) * {step_ns:Int64}
        - if(number < {late_rows:UInt64}, toInt64(scattered % {late_ns:UInt64} + 1), 0)
        + if(number >= {late_rows:UInt64} AND number < {late_rows:UInt64} + {early_rows:UInt64}, toInt64(scattered % {early_ns:UInt64} + 1), 0) AS time_ns,
    intDiv(id, 4) AS trace,
    toUInt8(id % 4) AS position,
    cityHash64({seed:UInt64}, id, 'span') AS span_hash,
    cityHash64({seed:UInt64}, trace, 'trace') AS trace_hash,
    ['frontend', 'api-gateway', 'checkout', 'payment', 'inventory', 'search'] AS services,
    services[toUInt8((trace_hash + position) % 6) + 1] AS service,
    services[toUInt8((trace_hash + position + 1) % 6) + 1] AS peer,
    ['Server', 'Client', 'Internal', if(trace_hash % 2 = 0, 'Producer', 'Consumer')][position + 1] AS kind,
    ['GET', 'POST', 'DELETE'][toUInt8(trace_hash % 3) + 1] AS method,
    ['/', '/cart', '/checkout', '/search'][toUInt8(intDiv(trace_hash, 3) % 4) + 1] AS route,
    span_hash % 20 = 0 AS failed,
    lower(hex(sipHash128({seed:UInt64}, trace))) AS trace_id,
    lower(leftPad(hex(trace * 4), 16, '0')) AS root_id,
    toUInt64(1000000 + intDiv(span_hash, 1000) % 400000000) AS duration_ns
SELECT
    fromUnixTimestamp64Nano(time_ns) AS Timestamp,
    trace_id AS TraceId,
    lower(leftPad(hex(id), 16, '0')) AS SpanId,
    if(position = 0, '', root_id) AS ParentSpanId,
    if(trace_hash % 10 = 0, 'sampled=parent', '') AS TraceState,
    multiIf(kind = 'Server', concat(method, ' ', route), kind = 'Client', concat(method, ' ', peer), kind = 'Internal', concat('handle ', service), concat('orders ', lower(kind))) AS SpanName,
    kind AS SpanKind,
    service AS ServiceName,
    map(
        'service.name', service,
        'deployment.environment', 'production',
        'k8s.cluster.name', 'eu-central-1',
        'k8s.namespace.name', if(service IN ('frontend', 'api-gateway'), 'edge', 'shop'),
        'k8s.pod.name', concat(service, '-', toString(trace_hash % 3))) AS ResourceAttributes,
    'io.appsentry.http' AS ScopeName,
    '1.14.0' AS ScopeVersion,
    multiIf(
        kind = 'Client', map('http.method', method, 'http.url', concat('http://', peer, '.shop.svc:8080', route), 'http.status_code', if(failed, '503', '200'), 'peer.service', peer),
        kind = 'Server', map('http.method', method, 'http.route', route, 'http.status_code', if(failed, '500', '200')),
        map('thread.id', toString(span_hash % 64))) AS SpanAttributes,
    duration_ns AS Duration,
    multiIf(failed, 'Error', position = 0, 'Ok', 'Unset') AS StatusCode,
    if(failed, 'connection refused by upstream', '') AS StatusMessage,
    if(failed, [fromUnixTimestamp64Nano(time_ns + toInt64(duration_ns))], []) AS `Events.Timestamp`,
    if(failed, ['exception'], []) AS `Events.Name`,
    if(failed, [map('exception.type', 'UpstreamError')], []) AS `Events.Attributes`,
    if(kind = 'Consumer', [trace_id], []) AS `Links.TraceId`,
    if(kind = 'Consumer', [root_id], []) AS `Links.SpanId`,
    if(kind = 'Consumer', [''], []) AS `Links.TraceState`,
    if(kind = 'Consumer', [map('link.kind', 'producer')], []) AS `Links.Attributes`
FROM numbers({rows:UInt64})
