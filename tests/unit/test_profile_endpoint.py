"""Addresses as people write them."""

from __future__ import annotations

import pytest

from chtui.errors import ConfigError
from chtui.profile import Endpoint, Profile, parse_endpoint
from chtui.profile.endpoint import parse_address
from chtui.profile.model import Credentials, Tls, check_template
from chtui.profile.secret import Secret


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("ch-1", "ch-1", 9),
        ("ch_1.example:8124", "ch_1.example", 8124),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("[::1]", "::1", 9),
        ("[::1]:65535", "::1", 65535),
        ("::1", "::1", 9),
        ("[fe80::1%eth0]:8123", "fe80::1%eth0", 8123),
        ("http://ch", "ch", 8123),
        ("https://ch/", "ch", 8443),
        ("HTTPS://[2001:db8::1]:444/", "2001:db8::1", 444),
        ("bücher.example:80", "bücher.example", 80),
    ],
)
def test_an_address_is_understood(text: str, host: str, port: int) -> None:
    assert parse_endpoint(text, 9, "here") == Endpoint(host, port)


def test_an_endpoint_is_written_as_it_is_read() -> None:
    for text in ("a:1", "[::1]:8123", "[fe80::1%eth0]:8123"):
        assert str(parse_endpoint(text, 9, "here")) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":8123",
        "a:",
        "a:0",
        "a:65536",
        "a:-1",
        "a:8123x",
        "a:١",
        "a:8 123",
        "a b",
        "a,b:1",
        "[::1",
        "[::1]8123",
        "[a]:1",
        "a:b:c",
        "[::1%\x1b[2J]:1",
        "a\nb",
        "a\u202eb",
        "tcp://a:9000",
        "http://",
        "http://a/path",
        "http://a?x=1",
        "a/b",
        "http://a#f",
        "x" * 300,
    ],
)
def test_what_is_no_address_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_endpoint(text, 9, "f.toml:3")
    line = caught.value.line
    assert line.startswith("f.toml:3: ")
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\u202e" not in line


@pytest.mark.parametrize(
    "text",
    [
        "https://u:hunter2@a:1",
        "u:hunter2@a",
        "https://u:hunter2@a:99999",
        "https://u:hunter2@a b",
        "ftp://u:hunter2@a",
        "http://u:hunter2@[::1",
        "http://u:hunter2@a:b:c",
        "https://a/?user=u&password=hunter2",
        "https://a:99999?password=hunter2",
        "a?password=hunter2",
    ],
)
def test_an_error_never_shows_a_password(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_endpoint(text, 9, "here")
    assert "hunter2" not in caught.value.line
    assert "hunter2" not in repr(caught.value)


def test_a_url_is_taken_apart() -> None:
    address = parse_address("https://al%40ice:p%3Aw%2f@a:1/", "here")
    assert (address.user, address.password, address.secure, address.port) == ("al@ice", "p:w/", True, 1)
    assert "p:w" not in repr(address)
    assert parse_address("http://bob@a", "here").password is None
    assert parse_address("http://bob:@a", "here").password == ""


def profile(**values: object) -> Profile:
    secret = Secret.literal("", "default")
    return Profile("p", (Endpoint("a", 1),), None, Credentials("default", secret), **values)  # type: ignore[arg-type]


def test_the_http_address_of_a_host() -> None:
    assert profile().http_address("ch", 9000) is None
    mapped = profile(
        http_addresses={"ch:9000": "real:1", "[::1]:9000": "six:2"}, http_template="{host_name}.x:8443"
    )
    assert mapped.http_address("ch", 9000) == Endpoint("real", 1)
    assert mapped.http_address("::1", 9000) == Endpoint("six", 2)
    assert mapped.http_address("ch", 9001) == Endpoint("ch.x", 8443)
    assert profile(http_template="{host_name}:1{native_port}").http_address("a", 9) == Endpoint("a", 19)
    assert profile(http_template="{host_name}:1").http_address("::1", 9) == Endpoint("::1", 1)
    assert profile(http_template="{host_name}", tls=Tls(secure=True)).http_address("a", 9) == Endpoint(
        "a", 8443
    )


@pytest.mark.parametrize("name", ["a/b", "u@a", "a\x1b[2J", "{native_port}", "", "a b", "x:y"])
def test_a_hostile_host_name_makes_no_address(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        profile(http_template="{host_name}:8123").http_address(name, 9000)
    assert "\x1b" not in caught.value.line


@pytest.mark.parametrize(
    "template",
    [
        "h:8123",
        "{host}:1",
        "{host_name.__class__}:1",
        "{host_name!r}:1",
        "{host_name}",
        "http://{host_name}:1",
    ],
)
def test_a_template_that_makes_no_address(template: str) -> None:
    with pytest.raises(ConfigError):
        check_template(template, "http_template", "here")
