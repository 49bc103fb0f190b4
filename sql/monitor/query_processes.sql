-- One query as it runs now, and its parts for other hosts.
-- params:
--   query_id  String
--   max_rows  UInt64
-- columns:
--   query_id           String
--   initial_query_id   String
--   is_initial_query   UInt8
--   user               String
--   initial_user       String
--   interface          String
--   elapsed_seconds    Float64        s
--   memory_bytes       Int64          B
--   peak_memory_bytes  Int64          B
--   read_rows          UInt64
--   total_rows         UInt64
--   is_cancelled       UInt8
--   client_name        String
--   http_user_agent    String
--   client_address     String
--   query              String
--   setting_names      Array(String)
--   setting_values     Array(String)
--   event_names        Array(String)
--   event_values       Array(UInt64)
-- needs: system.processes
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    query_id,
    initial_query_id,
    is_initial_query,
    user,
    initial_user,
    toString(processes.interface) AS interface,
    elapsed AS elapsed_seconds,
    memory_usage AS memory_bytes,
    peak_memory_usage AS peak_memory_bytes,
    read_rows,
    total_rows_approx AS total_rows,
    is_cancelled,
    client_name,
    http_user_agent,
    toString(initial_address) AS client_address,
    processes.query AS query,
    arrayMap(name -> toString(name), Settings.Names) AS setting_names,
    arrayMap(value -> toString(value), Settings.Values) AS setting_values,
    arrayMap(name -> toString(name), ProfileEvents.Names) AS event_names,
    ProfileEvents.Values AS event_values
FROM system.processes AS processes
WHERE (processes.query_id = {query_id:String}) OR (processes.initial_query_id = {query_id:String})
ORDER BY is_initial_query DESC, elapsed DESC
LIMIT {max_rows:UInt64}
