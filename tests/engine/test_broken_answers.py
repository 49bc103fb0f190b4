"""Answers of ClickHouse that break off: none is taken for an empty one, or a statement for done. On 26.9."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chtui import sql
from chtui.errors import ConnectError
from chtui.fleet.driver import Driver
from chtui.migrate import statements
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials, Tls
from chtui.profile.secret import Secret
from tests.rigs.forwarder import TcpForwarder
from tests.support import ModernRig

STATUS_LINE = len("HTTP/1.1 200 OK\r\n")
PLACES = (1, STATUS_LINE - 1, STATUS_LINE, STATUS_LINE + 4, STATUS_LINE + 40, STATUS_LINE + 120)


@pytest.fixture
def forwarder(modern: ModernRig) -> Iterator[TcpForwarder]:
    with TcpForwarder("127.0.0.1", modern.http_ports[0]) as found:
        yield found


@pytest.fixture
def driver(modern: ModernRig, forwarder: TcpForwarder) -> Iterator[Driver]:
    who = Credentials("admin", Secret.literal(modern.password("admin"), "test"))
    endpoint = Endpoint("127.0.0.1", forwarder.port)
    found = Driver(endpoint, who, Tls(), connect_seconds=9.0, seconds=20.0)
    yield found
    found.close()


@pytest.mark.parametrize("size", PLACES)
def test_an_answer_that_breaks_off_in_its_headers(driver: Driver, forwarder: TcpForwarder, size: int) -> None:
    count = sql.load("migrate/throttle_merges")
    assert len(driver.read(count, {}, query_id=f"broken-a-{size}", seconds=10).rows) == 1
    forwarder.answer_bytes = size
    with pytest.raises(ConnectError, match="the connection broke"):
        driver.read(count, {}, query_id=f"broken-b-{size}", seconds=10)
    assert len(driver.read(count, {}, query_id=f"broken-c-{size}", seconds=10).rows) == 1


@pytest.mark.parametrize("size", PLACES)
def test_a_statement_whose_answer_breaks_off_is_not_done(
    driver: Driver, forwarder: TcpForwarder, size: int
) -> None:
    create, params = statements.shaped("create_database", {"database": "default", "cluster": ""})
    forwarder.answer_bytes = size
    with pytest.raises(ConnectError, match="the connection broke"):
        driver.command(create, params, query_id=f"broken-d-{size}", seconds=10)
