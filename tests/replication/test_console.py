from __future__ import annotations

import re
from pathlib import Path

from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.screens.terminal import clean_environment, console_command, terminal, write_config
from tests.support import wait_until


def test_the_console_on_old_servers_through_a_lost_quorum(
    replicated_cluster: ReplicatedCluster, replicated_table: str, tmp_path: Path
) -> None:
    addresses = effective_of(replicated_cluster).profile.http_addresses
    config = write_config(tmp_path, "oncall", replicated_cluster.servers.passwords["oncall"], addresses)
    with terminal(160, 30, *console_command(config), environment=clean_environment()) as window:
        window.wait_for("4/4 hosts up")
        window.wait_for("18.16.1")
        wait_until(lambda: window.screen.count(" 0/1 ") == 4, 30, "four healthy replicas")
        stopped = replicated_cluster.zookeeper.lose_quorum()
        wait_until(lambda: len(re.findall(r" up +1/1 ", window.screen)) == 4, 60, "four readonly replicas")
        window.wait_for("Keeper")
        for node in stopped:
            replicated_cluster.zookeeper.resume(node)
        wait_until(lambda: window.screen.count(" 0/1 ") == 4, 90, "four replicas that take inserts again")
        window.keys("Enter")
        window.wait_for("ReplicatedMergeTree")
        window.keys("Q")
        window.wait_for("exit=0")
