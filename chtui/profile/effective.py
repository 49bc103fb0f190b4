"""From flags, files and variables to the one profile and the settings chtui works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from chtui.profile.check import home_directory, missing_files
from chtui.profile.endpoint import Endpoint, default_http_port, parse_address
from chtui.profile.layer import Context, Layer, Sourced
from chtui.profile.model import (
    CONNECT_TIMEOUT_SECONDS,
    DDL_QUEUE_PATH,
    Credentials,
    Intervals,
    Profile,
    Thresholds,
    Tls,
    Ui,
)
from chtui.profile.options import Effective, Options, Origin, ProfileEntry
from chtui.profile.secret import HIDDEN, Secret
from chtui.profile.sources import ClientOnce, Sources, default_profile, gather, read_own
from chtui.profile.toml_file import Settings
from chtui.text import one_line

__all__ = ["Effective", "Options", "Origin", "ProfileEntry", "list_profiles", "resolve"]

T = TypeVar("T")
S = TypeVar("S", Ui, Intervals, Thresholds)
Prompt = Callable[[str], str]

DEFAULT = "default"
DEFAULT_HOSTS = ("127.0.0.1",)
DEFAULT_USER = "default"


def resolve(
    options: Options,
    environ: Mapping[str, str],
    home: Path | None = None,
    prompt: Prompt | None = None,
) -> Effective:
    """Return what chtui works with. No password is read, asked for or looked up until `Secret.reveal`.

    Each value is the strongest source's that gives it: flag, own profile, environment, clickhouse-client's file,
    default (127.0.0.1:8123, user `default`, no password). Four rules keep values with the cluster they were meant for:

    * `--host` without `-C` uses no profile of one's own at all. The flags apply; then user, password and TLS of the
      environment and of clickhouse-client's file, as clickhouse-client itself does it; but no cluster of a source that
      names a host of its own, and nothing that stands in CLICKHOUSE_URL. `--host` with `-C` replaces the profile's
      hosts and keeps the rest of it.
    * The environment, or clickhouse-client's file, says nothing to a profile with hosts if it names hosts itself. Only
      an entry of `connections_credentials` chosen by `-C` takes the rest of its own file with it.
    * A password is used only with the user it was written for, where its source names one; else a warning says so.
    * Assumed ports follow TLS (8123, 8443), and CLICKHOUSE_HTTP_PORT or `http_port` never fills in a profile's hosts.

    Args:
        options: the flags.
        environ: the environment variables.
        home: another home directory than this process's, which then holds `.config/chtui/config.toml` too.
        prompt: asks a person for a password; None where nobody can be asked.

    Raises:
        ConfigError: a source that is needed cannot be used; names file and line, variable or flag.
    """
    context = Context(environ, home or home_directory(), prompt)
    sources = gather(options, context, home is not None)
    builder = _Builder(sources, options, context)
    profile = builder.profile()
    ui = builder.settings("ui", Ui(), sources.own.ui, _ui_flags(options))
    intervals = builder.settings("intervals", Intervals(), sources.own.intervals, {})
    thresholds = builder.settings("thresholds", Thresholds(), sources.own.thresholds, {})
    warnings = tuple(dict.fromkeys(one_line(text) for text in (*sources.warnings, *builder.warnings)))
    return Effective(profile, ui, intervals, thresholds, tuple(builder.origins), warnings)


def list_profiles(
    options: Options, environ: Mapping[str, str], home: Path | None = None
) -> tuple[ProfileEntry, ...]:
    """Return what `-C` can name: own profiles first, then clickhouse-client's connections, each in its file's order.

    Raises:
        ConfigError: a file cannot be read at all.
    """
    context = Context(environ, home or home_directory())
    own = read_own(options, context, home is not None)
    default = default_profile(own)
    broken = {problem.profile: problem.line for problem in reversed(own.problems)}
    entries = [
        ProfileEntry(
            name,
            "own",
            origin,
            hosts.value if (hosts := own.profiles.get(name, Layer()).hosts) else (),
            default is not None and default.value == name,
            broken.get(name, ""),
        )
        for name, origin in own.profile_origins.items()
    ]
    client = ClientOnce(context).read()
    for name, (layer, origin) in client.connections.items() if client else ():
        if name not in own.profile_origins:
            entries.append(
                ProfileEntry(name, "client", origin, layer.hosts.value if layer.hosts else (), False)
            )
    return tuple(entries)


class _Builder:
    """Picks each value from the strongest layer and notes where it came from."""

    def __init__(self, sources: Sources, options: Options, context: Context) -> None:
        self.sources = sources
        self.layers = sources.layers
        self.options = options
        self.context = context
        self.origins: list[Origin] = []
        self.warnings: list[str] = []

    def profile(self) -> Profile:
        name = self.sources.chosen.name
        secure = self._pick(layer.secure for layer in self.layers) or Sourced(False, DEFAULT)
        seeds, hosts_origin = self._seeds(secure.value)
        if name is None:
            name = Sourced(str(seeds[0]), hosts_origin)
        self._note("profile", name.value, name.origin)
        self._note("hosts", ", ".join(str(seed) for seed in seeds), hosts_origin)
        if native := self._pick(layer.native_port for layer in self.layers):
            self._note("native_port", f"{native.value} (not used: chtui speaks HTTP)", native.origin)
        cluster = self._optional("cluster", (layer.cluster for layer in self.layers))
        credentials = self._credentials()
        tls = self._tls(secure)
        access = self._required("access", (layer.access for layer in self.layers), "direct")
        template = self._optional("http_template", (layer.http_template for layer in self.layers))
        addresses = self._pick(layer.http_addresses for layer in self.layers) or Sourced({}, DEFAULT)
        shown = ", ".join(f"{key}={value}" for key, value in addresses.value.items())
        self._note("http_addresses", shown or "-", addresses.origin)
        write = self._pick(layer.write for layer in self.layers)
        self._note("write.user", write.value.user if write else "-", write.origin if write else DEFAULT)
        if write:
            self._note("write.password", HIDDEN, write.value.secret.source)
            self._warn_of(write.value.secret)
        allowed = self._required("write_allowed", (layer.write_allowed for layer in self.layers), True)
        timeouts = (layer.connect_timeout_seconds for layer in self.layers)
        timeout = self._required("connect_timeout_seconds", timeouts, CONNECT_TIMEOUT_SECONDS)
        keeper = self._pick(layer.keeper for layer in self.layers) or Sourced((), DEFAULT)
        members = ", ".join(str(member) for member in keeper.value)
        self._note("keeper", members or "- (the hosts are asked)", keeper.origin)
        root = self._optional("keeper_root", (layer.keeper_root for layer in self.layers))
        admin_port = self._optional("keeper_admin_port", (layer.keeper_admin_port for layer in self.layers))
        queue = self._required(
            "ddl_queue_path", (layer.ddl_queue_path for layer in self.layers), DDL_QUEUE_PATH
        )
        return Profile(
            name=name.value,
            seeds=seeds,
            cluster=cluster,
            credentials=credentials,
            tls=tls,
            access=access,
            http_addresses=addresses.value,
            http_template=template,
            write=write.value if write else None,
            write_allowed=allowed,
            connect_timeout_seconds=float(timeout),
            keeper=keeper.value,
            keeper_root=root or "",
            keeper_admin_port=admin_port,
            ddl_queue_path=queue,
        )

    def settings(self, table: str, defaults: S, written: Settings, flags: Settings) -> S:
        """Return a settings table: flags, the own file, defaults."""
        values: dict[str, Any] = {}
        for name in defaults._fields:
            default = getattr(defaults, name)
            found = flags.get(name) or written.get(name) or Sourced(default, DEFAULT)
            # 5 in a file and 5.0 in the code are one value.
            value: Any = found.value
            values[name] = float(value) if isinstance(default, float) else value
            self._note(f"{table}.{name}", _shown(values[name]), found.origin)
        return defaults._replace(**values)

    def _seeds(self, secure: bool) -> tuple[tuple[Endpoint, ...], str]:
        giver = next((layer for layer in self.layers if layer.hosts is not None), None)
        hosts = (
            giver.hosts if giver is not None and giver.hosts is not None else Sourced(DEFAULT_HOSTS, DEFAULT)
        )
        port: Sourced[int] | None
        if giver is None or giver is self.layers[0]:
            port = self._pick(layer.http_port for layer in self.layers[2:])
        else:
            port = giver.http_port
        assumed = port.value if port else default_http_port(secure)
        if port:
            self._note("http_port", str(port.value), port.origin)
        addresses = [parse_address(text, hosts.origin) for text in hosts.value]
        return tuple(
            dict.fromkeys(Endpoint(item.host, item.port or assumed) for item in addresses)
        ), hosts.origin

    def _credentials(self) -> Credentials:
        user = self._required_sourced("user", (layer.user for layer in self.layers), DEFAULT_USER)
        secret = self._secret(user)
        if secret is None:
            self._note("password", "-", DEFAULT)
            return Credentials(user.value, Secret.literal("", DEFAULT))
        self._note("password", HIDDEN, secret.origin)
        self._warn_of(secret.value)
        return Credentials(user.value, secret.value)

    def _secret(self, user: Sourced[str]) -> Sourced[Secret] | None:
        if self.options.ask_password:
            flag = "--ask-password"
            return Sourced(
                Secret.from_prompt(self.context.prompt, f"Password of {one_line(user.value)}: ", flag), flag
            )
        for layer in self.layers:
            if layer.secret is None:
                continue
            if layer.user is None or layer.user.value == user.value:
                return layer.secret
            self.warnings.append(
                f"{layer.secret.origin}: this password is of user '{layer.user.value}' and not used for '{user.value}'"
            )
        return None

    def _tls(self, secure: Sourced[bool]) -> Tls:
        layers = self.layers
        self._note("secure", _shown(secure.value), secure.origin)
        verify = self._required_sourced("verify", (layer.verify for layer in layers), True)
        if secure.value and not verify.value:
            self.warnings.append(f"{verify.origin}: the server's certificate is not checked")
        files = Layer(
            ca_file=self._pick(layer.ca_file for layer in layers),
            cert_file=self._pick(layer.cert_file for layer in layers),
            key_file=self._pick(layer.key_file for layer in layers),
        )
        for error in missing_files(files) if secure.value else ():
            raise error
        return Tls(
            secure=secure.value,
            verify=verify.value,
            ca_file=self._optional("ca_file", (files.ca_file,)),
            cert_file=self._optional("cert_file", (files.cert_file,)),
            key_file=self._optional("key_file", (files.key_file,)),
            server_name=self._optional("server_name", (layer.server_name for layer in layers)),
        )

    def _pick(self, found: Iterable[Sourced[T] | None]) -> Sourced[T] | None:
        return next((item for item in found if item is not None), None)

    def _required(self, key: str, found: Iterable[Sourced[T] | None], default: T) -> T:
        return self._required_sourced(key, found, default).value

    def _required_sourced(self, key: str, found: Iterable[Sourced[T] | None], default: T) -> Sourced[T]:
        item = self._pick(found) or Sourced(default, DEFAULT)
        self._note(key, _shown(item.value), item.origin)
        return item

    def _optional(self, key: str, found: Iterable[Sourced[T] | None]) -> T | None:
        item = self._pick(found)
        self._note(key, _shown(item.value) if item else "-", item.origin if item else DEFAULT)
        return item.value if item else None

    def _warn_of(self, secret: Secret) -> None:
        if text := secret.warning():
            self.warnings.append(f"{secret.source}: {text}")

    def _note(self, key: str, value: str, origin: str) -> None:
        self.origins.append(Origin(key, one_line(value), one_line(origin)))


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _ui_flags(options: Options) -> Settings:
    given: dict[str, tuple[object, str]] = {
        "theme": (options.theme, "--theme"),
        "mouse": (options.mouse, "--mouse"),
        "ascii": (options.ascii, "--ascii"),
        "slow_link": (options.slow_link, "--slow-link"),
        "default_pane": (options.default_pane, "--pane"),
    }
    return {key: Sourced(value, flag) for key, (value, flag) in given.items() if value is not None}
