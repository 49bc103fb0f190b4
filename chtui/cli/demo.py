"""`chtui demo`: the embedded cluster, with the console on it or without."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def run(arguments: argparse.Namespace) -> int:
    """Start the cluster and stay until the console, or the process, is left.

    Raises:
        DemoError: the cluster cannot be started.
        UsageError: there is no terminal for the console.
    """
    from chtui.cli.console import require_terminal, run_console
    from chtui.demo.cluster import DemoCluster
    from chtui.demo.options import DemoOptions
    from chtui.errors import UsageError

    if arguments.restart and not arguments.headless:
        raise UsageError("--restart is for --headless alone", fix="leave one out, or add the other")
    if not arguments.headless:
        require_terminal()
    options = DemoOptions(
        shards=arguments.shards,
        replicas=arguments.replicas,
        directory=Path(arguments.dir) if arguments.dir else None,
        rows=arguments.rows,
        seed=arguments.seed,
        load=not arguments.no_load,
        services=arguments.services,
        restart=arguments.restart,
        zookeeper=arguments.zookeeper,
    )
    if arguments.headless:
        from chtui.demo.run import headless

        return headless(options, sys.stdout)
    print("starting the embedded cluster ...", file=sys.stderr)
    with DemoCluster(options) as cluster:
        from chtui.profile.effective import Options, resolve

        info = cluster.info
        found = resolve(
            Options(
                profile_name=info.profile,
                config_file=info.config_file,
                theme=arguments.theme,
                mouse=arguments.mouse,
                slow_link=arguments.slow_link,
            ),
            os.environ,
        )
        return run_console(found, Options(config_file=info.config_file))
