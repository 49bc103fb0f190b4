"""The test bench: real engines, and the ways to break them and the network before them.

- `processes`: children that die with the runner, ports nobody else takes, waiting for a condition.
- `zookeeper`: a quorum whose nodes can be killed and suspended.
- `servers`, `server_config`: ClickHouse servers, 18.16 or the modern binary that CHTUI_TEST_CLICKHOUSE names.
- `forwarder`, `login_query`: ports to cut and stall; clickhouse-connect logs in to 18.16 through one.
- `tls`: a TLS front with good, expired and untrusted certificates.
- `impostors`: ports behind which there is no ClickHouse.
- `loop`: the event loop the last three run on.
- `http_probe`: one HTTP request.
- `fixtures`: what tests ask for. Only one rig is up at a time: `exclusive` stops one to start another.
"""
