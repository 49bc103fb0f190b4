-- Queries running on the host, parts of other hosts' queries among them, the longest first; of each text the first 2000
-- characters. Interfaces are words or, from older servers, numbers.
-- params:
--   max_rows  UInt64
-- columns:
--   query_id           String
--   initial_query_id   String
--   is_initial_query   UInt8
--   user               String
--   initial_user       String
--   interface          String
--   elapsed_seconds    Float64  s
--   memory_bytes       Int64    B
--   peak_memory_bytes  Int64    B
--   read_rows          UInt64
--   total_rows         UInt64
--   is_cancelled       UInt8
--   client_name        String
--   http_user_agent    String
--   client_address     String
--   query              String
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
    substringUTF8(processes.query, 1, 2000) AS query
FROM system.processes AS processes
ORDER BY elapsed DESC
LIMIT {max_rows:UInt64}
