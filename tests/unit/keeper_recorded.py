"""Answers to four-letter words as they were recorded from ZooKeeper 3.8.0, and as ClickHouse Keeper writes them."""

from __future__ import annotations

ZOOKEEPER_MNTR = """\
zk_version\t3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC
zk_server_state\tleader
zk_peer_state\tleading - broadcast
zk_ephemerals_count\t8
zk_num_alive_connections\t3
zk_avg_latency\t5.3385
zk_outstanding_requests\t2
zk_znode_count\t110
zk_global_sessions\t4
zk_non_mtls_remote_conn_count\t0
zk_packets_sent\t201
zk_packets_received\t198
zk_watch_count\t11
zk_min_latency\t0
zk_approximate_data_size\t9008
zk_uptime\t22586
zk_max_latency\t66
zk_quorum_size\t3
zk_learners\t2
zk_synced_followers\t1
zk_avg_rig-probe0000000000_write_per_namespace\t20.0
zk_p999_write_commitproc_time_ms\t66
"""

ZOOKEEPER_SRVR = """\
Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC
Latency min/avg/max: 0/5.3947/66
Received: 193
Sent: 196
Connections: 3
Outstanding: 0
Zxid: 0x10000007d
Mode: follower
Node count: 110
"""

ZOOKEEPER_STAT = """\
Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC
Clients:
 /127.0.0.1:60450[1](queued=0,recved=103,sent=105)
 /127.0.0.1:40336[0](queued=0,recved=1,sent=0)

Latency min/avg/max: 0/5.3385/66
Received: 201
Sent: 206
Connections: 3
Outstanding: 0
Zxid: 0x10000007d
Mode: leader
Node count: 110
Proposal sizes last/min/max: 296/36/1276
"""

ZOOKEEPER_CONS = """\
 /127.0.0.1:40312[0](queued=0,recved=1,sent=0)
 /127.0.0.1:60450[1](queued=1,recved=103,sent=105,sid=0x10000b1c2170002,lop=PING,est=1795348930424,to=5000,lcxid=0x59,\
lzxid=0x10000007d,lresp=11671895,llat=0,minlat=0,avglat=4,maxlat=66)
 /0:0:0:0:0:0:0:1:60460[1](queued=0,recved=84,sent=86,sid=0x10000b1c2170001,lop=NA,est=1795348930427,to=5000,lcxid=0x46,\
lzxid=0x10000007d,lresp=11671904,llat=0,minlat=0,avglat=5,maxlat=64)

"""

ZOOKEEPER_CONF = """\
clientPort=17728
secureClientPort=-1
dataDir=/var/lib/zookeeper/version-2
dataDirSize=262757
tickTime=500
maxClientCnxns=0
serverId=1
initLimit=20
electionPort=10999
quorumPort=22559
peerType=0
membership:\x20
server.1=127.0.0.1:22559:10999:participant
server.2=zk-2.example:16698:12103:participant;0.0.0.0:2182
server.3=[fd00::3]:24444:16959:observer;2183
version=0"""

ZOOKEEPER_NOT_SERVING = "This ZooKeeper instance is not currently serving requests\n"
ZOOKEEPER_NOT_ALLOWED = "mntr is not executed because it is not in the whitelist.\n"

KEEPER_MNTR = """\
zk_version\tv21.11.1.1-prestable-7a4a0b0edef0ad6e0aa662cd3b90c3f4acf796e7
zk_avg_latency\t0
zk_max_latency\t7
zk_min_latency\t0
zk_packets_received\t68
zk_packets_sent\t68
zk_num_alive_connections\t1
zk_outstanding_requests\t0
zk_server_state\tleader
zk_znode_count\t4
zk_watch_count\t1
zk_ephemerals_count\t0
zk_approximate_data_size\t723
zk_open_file_descriptor_count\t310
zk_max_file_descriptor_count\t10240
zk_followers\t2
zk_synced_followers\t2
"""

KEEPER_SRVR = """\
ClickHouse Keeper version: v21.11.1.1-prestable-7a4a0b0edef0ad6e0aa662cd3b90c3f4acf796e7
Latency min/avg/max: 0/1/9
Received: 2
Sent : 2
Connections: 1
Outstanding: 0
Zxid: 36
Mode: follower
Node count: 4
"""

KEEPER_CONS = """\
 192.168.1.1:52163(recved=0,sent=0,sid=0xffffffffffffffff,lop=NA,est=1636454787393,to=30000,lzxid=0xffffffffffffffff,\
lresp=0,llat=0,minlat=0,avglat=0,maxlat=0)
 192.168.1.1:52042(recved=9,sent=18,sid=0x0000000000000001,lop=List,est=1636454739887,to=30000,lcxid=0x0000000000000005,\
lzxid=0x0000000000000005,lresp=1636454739892,llat=0,minlat=0,avglat=0,maxlat=0)
"""

KEEPER_CONF = """\
server_id=1
tcp_port=2181
four_letter_word_allow_list=*
log_storage_path=./coordination/logs
snapshot_storage_path=./coordination/snapshots
max_requests_batch_size=100
session_timeout_ms=30000
"""

KEEPER_CONFIG_ZNODE = """\
server.1=keeper-1:9234;participant;1
server.2=keeper-2:9234;participant;1
server.3=keeper-3:9234;learner;0"""

KEEPER_NOT_SERVING = "This instance is not currently serving requests"

ADMIN_MONITOR = {
    "version": "3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC",
    "server_state": "standalone",
    "ephemerals_count": 0,
    "num_alive_connections": 0,
    "avg_latency": 0.0,
    "outstanding_requests": 0,
    "znode_count": 5,
    "watch_count": 0,
    "min_latency": 0,
    "approximate_data_size": 44,
    "uptime": 4927,
    "max_latency": 0,
    "command": "monitor",
    "error": None,
}

ALL = {
    name: value
    for name, value in globals().items()
    if isinstance(value, str) and name.startswith(("ZOOKEEPER", "KEEPER"))
}
