-- Writes one batch of spans into v2, in v2's spellings; {rows} is the text of service_rows_traces. Its answer means that all shards have it.
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
-- cost: cheap, writes its rows on all shards
-- engines: 24.8+
INSERT INTO otel_v2.traces
(
    Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName, ScopeVersion,
    SpanAttributes, Duration, StatusCode, StatusMessage,
    `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`
)
SELECT
    Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, upper(SpanKind), ServiceName, ResourceAttributes, ScopeName, ScopeVersion,
    SpanAttributes, Duration, upper(StatusCode), StatusMessage,
    `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Links.TraceId`, `Links.SpanId`, `Links.TraceState`, `Links.Attributes`
FROM
(
{rows}
)
-- without the last one this engine wants READ ON FILE of the user
SETTINGS max_threads = 1, max_insert_threads = 1, compile_expressions = 0, distributed_foreground_insert = 1, parallel_distributed_insert_select = 0
