"""What cannot work, given to the real command: one line says what, where and what to do; and what can work, for contrast."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from chtui.views.replicas import ReplicaFact
from tests.engine.commands import ROOT, Command, command
from tests.rigs.impostors import ClosedPort, PlainHttpServer, SilentServer
from tests.rigs.tls import Certificate, TlsProxy
from tests.support import CLUSTER, SOURCE_CLUSTER, ModernRig

SHOW, CHECK = ("show", "replicas", "--timeout", "3"), ("check", "--timeout", "3")
UNREACHABLE = {"show": (2, 3), "check": (3,)}


@pytest.fixture
def chtui() -> Iterator[Command]:
    """The command, in a home of its own."""
    with command() as made:
        yield made


def refused(chtui: Command, *connection: str) -> str:
    """The line with which `show` and `check` alike say that nothing can be reached."""
    with ThreadPoolExecutor() as both:
        show, check = both.map(lambda arguments: chtui(*connection, *arguments), (SHOW, CHECK))
    assert show.code in UNREACHABLE["show"]
    assert check.code in UNREACHABLE["check"]
    assert check.refusal() == show.refusal()
    return show.refusal()


def by_flags(chtui: Command, rig: ModernRig, port: int, user: str = "oncall") -> list[str]:
    return [
        "--host",
        f"127.0.0.1:{port}",
        "--user",
        user,
        "--password-file",
        chtui.password_file(rig.password(user)),
    ]


def test_a_port_nobody_listens_on(chtui: Command) -> None:
    port = ClosedPort().port
    line = refused(chtui, "--host", f"127.0.0.1:{port}")
    assert line == (
        f"127.0.0.1:{port}: connection refused: nothing listens there; check that the server runs, and the port"
    )


def test_a_name_nobody_knows(chtui: Command) -> None:
    line = refused(chtui, "--host", "no-such-host.invalid:8123")
    assert line.startswith("no-such-host.invalid:8123: the host name cannot be resolved")


def test_the_native_port(chtui: Command, modern: ModernRig) -> None:
    line = refused(chtui, *by_flags(chtui, modern, modern.ports[0]))
    assert line == (
        f"127.0.0.1:{modern.ports[0]}: that is ClickHouse's native port, not its HTTP port; "
        "give the HTTP port, usually 8123, or 8443 with TLS"
    )


def test_tls_where_there_is_none(chtui: Command, modern: ModernRig) -> None:
    port = modern.http_ports[0]
    line = refused(chtui, *by_flags(chtui, modern, port), "--secure")
    assert line.startswith(f"127.0.0.1:{port}: that port does not speak TLS; set secure = false")


def test_no_tls_where_there_is_some(chtui: Command, modern: ModernRig, tmp_path: Path) -> None:
    with TlsProxy(modern.http_ports[0], tmp_path) as proxy:
        line = refused(chtui, *by_flags(chtui, modern, proxy.port))
    assert line.startswith(f"127.0.0.1:{proxy.port}: that port speaks TLS; set secure = true")


CERTIFICATES = {
    Certificate.OTHER_CA: "unable to get local issuer certificate",
    Certificate.SELF_SIGNED: "self-signed certificate",
    Certificate.EXPIRED: "certificate has expired",
    Certificate.WRONG_HOST: "IP address mismatch, certificate is not valid for '127.0.0.1'",
}


def test_certificates_that_prove_nothing(chtui: Command, modern: ModernRig, tmp_path: Path) -> None:
    def said(kind: Certificate) -> tuple[int, str, int]:
        with TlsProxy(modern.http_ports[0], tmp_path / kind, kind) as proxy:
            flags = [*by_flags(chtui, modern, proxy.port), "--secure", "--ca-file", str(proxy.ca_file)]
            done = chtui(*flags, *CHECK)
        return done.code, done.refusal(), proxy.port

    with ThreadPoolExecutor() as all_at_once:
        for (code, line, port), complaint in zip(
            all_at_once.map(said, CERTIFICATES), CERTIFICATES.values(), strict=True
        ):
            assert code == 3
            assert line.startswith(f"127.0.0.1:{port}: the server's certificate is not trusted: {complaint}")
            assert line.endswith("set ca_file, or server_name, or verify = false")


def test_a_good_certificate_works_with_its_authority_and_not_without(
    chtui: Command, modern: ModernRig, tmp_path: Path
) -> None:
    with TlsProxy(modern.http_ports[0], tmp_path) as proxy:
        chtui.profile(modern, port=proxy.port, extra='access = "through"')
        line = refused(chtui, "--secure")
        assert "the server's certificate is not trusted" in line
        done = chtui("--secure", "--ca-file", str(proxy.ca_file), "show", "replicas", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["rows"][0]["state"] == "up"


def test_a_wrong_password(chtui: Command, modern: ModernRig) -> None:
    wrong = chtui.password_file("not-the-password-at-all")
    flags = ["--host", f"127.0.0.1:{modern.http_ports[0]}", "--user", "oncall", "--password-file", wrong]
    assert refused(chtui, *flags) == (
        f"127.0.0.1:{modern.http_ports[0]}: the server refuses this user or password (Code 516); "
        "check user and password"
    )


def test_what_is_not_clickhouse(chtui: Command, plain_http_server: PlainHttpServer) -> None:
    line = refused(chtui, "--host", f"127.0.0.1:{plain_http_server.port}")
    assert line.startswith(f"127.0.0.1:{plain_http_server.port}: what listens there is not ClickHouse")


def test_what_never_answers(chtui: Command) -> None:
    with SilentServer() as silent:
        began = time.monotonic()
        line = refused(chtui, "--host", f"127.0.0.1:{silent.port}")
        assert time.monotonic() - began < 3 + 5
    assert line in ("no seed host answered in time", f"127.0.0.1:{silent.port}: no answer within 3 s")


def test_clusters_that_are_none(chtui: Command, modern: ModernRig) -> None:
    flags = by_flags(chtui, modern, modern.http_ports[0])
    for arguments, code in ((SHOW, 2), (CHECK, 3)):
        done = chtui(*flags, "--cluster", "", *arguments)
        assert done.code == code
        assert "cluster" in done.refusal()
        done = chtui(*flags, "--cluster", "no\x1b[31m", *arguments)
        assert done.code == code
        assert done.refusal().startswith("--cluster: the value holds a control or invisible character")
        done = chtui(*flags, "--cluster", "no such", *arguments)
        assert done.code == code
        assert done.refusal() == (
            f"127.0.0.1:{modern.http_ports[0]}: cluster 'no such' does not exist; the server knows: "
            f"{CLUSTER}, {SOURCE_CLUSTER}; choose one with --cluster"
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\n[profile.x\n", ":2: "),
        ("version = 1\n[profile.x]\nhosts = 7\n", ":3: "),
        ("version = 1\n[profile.x]\nhost = ['h']\n", "hosts"),
        ("version = 99\n", "version"),
        ("\0\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "config.toml"),
    ],
)
def test_a_broken_configuration(chtui: Command, text: str, said: str) -> None:
    path = chtui.config(text)
    for arguments, code in ((SHOW, 2), (CHECK, 3)):
        done = chtui(*arguments)
        assert done.code == code
        assert done.refusal().startswith(str(path))
        assert said in done.refusal()
    assert chtui("--config", str(path) + ".none", *CHECK).code == 3


def in_terminal(chtui: Command, term: str, *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal of its own; its exit code and all that it wrote there."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chtui", *arguments],
        cwd=ROOT,
        env=chtui.environment({"TERM": term}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    code, written = process.wait(60), b""
    try:
        while data := os.read(leader, 65536):
            written += data
    except OSError:
        pass  # Linux tells the end of a terminal this way
    os.close(leader)
    return code, written.decode()


def test_no_console_without_a_terminal_that_can_draw(chtui: Command) -> None:
    nowhere = ("--host", f"127.0.0.1:{ClosedPort().port}")
    done = chtui(*nowhere)
    assert (done.code, done.refusal()) == (
        2,
        "standard input or output is not a terminal; use 'chtui show' or 'chtui check' in scripts",
    )
    for term in ("dumb", ""):
        code, written = in_terminal(chtui, term, *nowhere)
        assert code == 2
        assert written.strip().splitlines() == [
            f"chtui: TERM={term}: this terminal can move no cursor; set TERM, or use 'chtui show'"
        ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "nonsense"), 2, "'nonsense'"),
        (("show",), 2, "PAGE[.PART]"),
        (("show", "replicas", "--json", "--csv"), 2, "--csv"),
        (("nonsense",), 2, "'nonsense'"),
        (("--nonsense",), 2, "--nonsense"),
        (("check", "--nonsense"), 3, "--nonsense"),
        (("check", "--timeout", "soon"), 3, "'soon'"),
        (("check", "--timeout", "-1"), 3, "-1"),
        (("--host", "a:b:c:d:e:f:g:h:i", "check"), 3, "--host"),
        (("--host", "https://u:topsecret@h/", "check"), 3, "--host"),
        (("-C", "nobody", "check"), 3, "nobody"),
        (("-C", "nobody", "show", "replicas"), 2, "nobody"),
        (("--password-file", "/no/such/file", "check"), 3, "/no/such/file"),
        (("--ask-password", "show", "replicas"), 2, "--ask-password"),
        (("--secure", "--ca-file", "/no/such/file", "show", "replicas"), 2, "/no/such/file"),
        (("demo", "--shards", "0", "--headless"), 2, "--shards"),
    ],
)
def test_arguments_that_make_no_sense(
    chtui: Command, arguments: tuple[str, ...], code: int, said: str
) -> None:
    chtui.secrets.append("topsecret")
    done = chtui(*arguments)
    assert said in done.refusal()
    assert done.code == code


def test_show_as_json_and_csv(chtui: Command, modern: ModernRig) -> None:
    chtui.profile(modern)
    done = chtui("show", "replicas", "--json", "--timeout", "30")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert list(told) == ["schema", "generated_at", "profile", "cluster", "hosts", "rows", "unavailable"]
    assert (told["schema"], told["profile"], told["cluster"]) == ("chtui/1 replicas", "rig", CLUSTER)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["generated_at"])
    names = [item.name for item in fields(ReplicaFact)]
    assert [list(row) for row in told["rows"]] == [names] * 4
    assert [row["port"] for row in told["rows"]] == modern.ports
    assert [list(host) for host in told["hosts"]] == [["id", "state", "age_seconds", "error"]] * 4
    assert [host["id"] for host in told["hosts"]] == [f"127.0.0.1:{port}" for port in modern.ports]
    assert {host["error"] for host in told["hosts"]} == {None}
    assert told["unavailable"] == {}
    done = chtui("show", "replicas", "--csv", "--timeout", "30")
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [list(row) for row in rows] == [names] * 4
    assert [int(row["port"]) for row in rows] == modern.ports
    text = chtui("show", "replicas", "--timeout", "30")
    assert len(text.out.splitlines()) == 5


def test_check_says_how_bad_it_is(chtui: Command, modern: ModernRig) -> None:
    chtui.profile(modern)
    healthy = chtui("check", "--timeout", "30")
    assert healthy.code == 0, healthy.out
    assert healthy.out == f"OK: cluster {CLUSTER}, 4 of 4 hosts up, nothing found\n"
    modern.nodes[3].kill()
    dead = chtui("check", "--timeout", "30", "--json")
    told = json.loads(dead.out)
    assert (dead.code, told["exit_code"], dead.err) == (2, 2, "")
    (finding,) = told["rows"]
    assert (finding["severity"], finding["rule"]) == ("critical", "host_state")
    assert (finding["host"], finding["summary"]) == (f"127.0.0.1:{modern.ports[3]}", "host is refused")
    assert "connection refused" in finding["evidence"]
    shown = chtui("show", "replicas", "--json", "--timeout", "30")
    assert shown.code == 0
    row = json.loads(shown.out)["rows"][3]
    assert (row["state"], row["version"], row["active_replicas"], row["total_replicas"]) == (
        "refused",
        None,
        1,
        2,
    )


def test_check_never_calls_well_what_it_cannot_see(chtui: Command, modern: ModernRig) -> None:
    chtui.profile(modern, "blind")
    done = chtui("check", "--timeout", "30")
    assert done.code == 3
    assert done.out.count("all tables: this user sees only part of the tables: GRANT SHOW ON *.*") == 4
    assert "OK" not in done.out
    shown = chtui("show", "replicas", "--timeout", "30")
    assert shown.code == 0
    assert shown.err.startswith("! this user sees only part of the tables")
