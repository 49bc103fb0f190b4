-- Gives the metric points of one batch in v1's names and spellings: the same for the same parameters, each with an id of its own in
-- MetricAttributes['point.uid'].
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
--   MetricName          String
--   ServiceName         String
--   Value               Float64
--   MetricType          String
--   ResourceAttributes  Map(String, String)
--   MetricAttributes    Map(String, String)
-- cost: cheap, computes its rows
-- engines: 24.8+
WITH
    {first:UInt64} + number AS id,
    -- spreads the ids over all numbers
    id * 11400714819323198485 AS scattered,
    {at_ns:Int64} - toInt64({rows:UInt64} - 1 - number) * {step_ns:Int64}
        - if(number < {late_rows:UInt64}, toInt64(scattered % {late_ns:UInt64} + 1), 0)
        + if(number >= {late_rows:UInt64} AND number < {late_rows:UInt64} + {early_rows:UInt64}, toInt64(scattered % {early_ns:UInt64} + 1), 0) AS time_ns,
    cityHash64({seed:UInt64}, id, 'point') AS point_hash,
    ['frontend', 'api-gateway', 'checkout', 'payment', 'inventory', 'search'][toUInt8(intDiv(point_hash, 8) % 6) + 1] AS service,
    toUInt8(intDiv(point_hash, 64) % 4) AS metric
SELECT
    fromUnixTimestamp64Nano(time_ns) AS Timestamp,
    ['process.cpu.utilization', 'process.memory.usage', 'http.server.request.count', 'http.server.request.duration'][metric + 1] AS MetricName,
    service AS ServiceName,
    [point_hash % 1000 / 1000, 300000000 + point_hash % 1000000, point_hash % 100, point_hash % 500 / 1000][metric + 1] AS Value,
    ['Gauge', 'Gauge', 'Sum', 'Histogram'][metric + 1] AS MetricType,
    map(
        'service.name', service,
        'deployment.environment', 'production',
        'k8s.cluster.name', 'eu-central-1',
        'k8s.namespace.name', if(service IN ('frontend', 'api-gateway'), 'edge', 'shop'),
        'k8s.pod.name', concat(service, '-', toString(point_hash % 3))) AS ResourceAttributes,
    map('point.uid', lower(leftPad(hex(id), 16, '0'))) AS MetricAttributes
FROM numbers({rows:UInt64})
