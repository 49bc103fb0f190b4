-- Gives the log lines of one batch: the same for the same parameters, each with an id of its own in LogAttributes['log.record.uid'], four
-- in five within a trace.
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
--   TraceFlags          UInt8
--   SeverityText        String
--   SeverityNumber      UInt8
--   ServiceName         String
--   Body                String
--   ResourceSchemaUrl   String
--   ResourceAttributes  Map(String, String)
--   ScopeSchemaUrl      String
--   ScopeName           String
--   ScopeVersion        String
--   ScopeAttributes     Map(String, String)
--   LogAttributes       Map(String, String)
-- cost: cheap, computes its rows
-- engines: 24.8+
WITH
    {first:UInt64} + number AS id,
    -- spreads the ids over all numbers
    id * 11400714819323198485 AS scattered,
    {at_ns:Int64} - toInt64({rows:UInt64} - 1 - number) * {step_ns:Int64}
        - if(number < {late_rows:UInt64}, toInt64(scattered % {late_ns:UInt64} + 1), 0)
        + if(number >= {late_rows:UInt64} AND number < {late_rows:UInt64} + {early_rows:UInt64}, toInt64(scattered % {early_ns:UInt64} + 1), 0) AS time_ns,
    cityHash64({seed:UInt64}, id, 'log') AS line_hash,
    line_hash % 5 != 0 AS traced,
    ['frontend', 'api-gateway', 'checkout', 'payment', 'inventory', 'search'][toUInt8(intDiv(line_hash, 8) % 6) + 1] AS service,
    multiIf(line_hash % 100 < 5, 'ERROR', line_hash % 100 < 10, 'WARN', line_hash % 100 < 30, 'DEBUG', 'INFO') AS severity,
    toString(intDiv(line_hash, 131) % 5000) AS item
SELECT
    fromUnixTimestamp64Nano(time_ns) AS Timestamp,
    if(traced, lower(hex(sipHash128({seed:UInt64}, intDiv(id, 4)))), '') AS TraceId,
    if(traced, lower(leftPad(hex(id), 16, '0')), '') AS SpanId,
    toUInt8(traced) AS TraceFlags,
    severity AS SeverityText,
    transform(severity, ['DEBUG', 'INFO', 'WARN', 'ERROR'], [5, 9, 13, 17], 0) AS SeverityNumber,
    service AS ServiceName,
    multiIf(
        severity = 'ERROR', concat('request failed: upstream did not answer in 3000 ms, item=', item),
        severity = 'WARN', concat('slow response for item=', item, ', budget is 100 ms'),
        concat('handled request method=GET item=', item, ' status=200')) AS Body,
    'https://opentelemetry.io/schemas/1.26.0' AS ResourceSchemaUrl,
    map(
        'service.name', service,
        'deployment.environment', 'production',
        'k8s.cluster.name', 'eu-central-1',
        'k8s.namespace.name', if(service IN ('frontend', 'api-gateway'), 'edge', 'shop'),
        'k8s.pod.name', concat(service, '-', toString(line_hash % 3))) AS ResourceAttributes,
    '' AS ScopeSchemaUrl,
    concat('io.appsentry.', service) AS ScopeName,
    '1.14.0' AS ScopeVersion,
    CAST(map(), 'Map(String, String)') AS ScopeAttributes,
    map('log.record.uid', lower(leftPad(hex(id), 16, '0')), 'item.id', item) AS LogAttributes
FROM numbers({rows:UInt64})
