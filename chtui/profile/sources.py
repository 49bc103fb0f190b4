"""Which sources are heard, and which of them may speak about the hosts that were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from chtui import paths
from chtui.errors import ConfigError
from chtui.profile.client_file import ClientFile, find_client_file, read_client_file
from chtui.profile.environment import read_environment
from chtui.profile.layer import Context, Layer, Sourced, check_hosts, check_text, nearest, settle_secure
from chtui.profile.options import Options
from chtui.profile.secret import Secret
from chtui.profile.toml_file import OwnFile, read_own_file
from chtui.text import one_line

NO_OWN_FILE = OwnFile(Path())


class Chosen(NamedTuple):
    """The named connection that was chosen; an empty one for a connection without a name."""

    layer: Layer
    name: Sourced[str] | None = None
    from_client: bool = False


class Sources(NamedTuple):
    """The layers that apply, the strongest first, and what was noticed on the way."""

    layers: tuple[Layer, ...]
    chosen: Chosen
    own: OwnFile
    warnings: tuple[str, ...]


def gather(options: Options, context: Context, other_home: bool) -> Sources:
    """Return the layers that apply to these flags; `other_home`: the home is not this process's.

    Raises:
        ConfigError: a source that is needed cannot be used.
    """
    flags = flag_layer(options, context)
    own = read_own(options, context, other_home)
    client = ClientOnce(context)
    # Only what concerns all of chtui, or the profile that is used, stops it: a slip in another profile must not.
    for problem in own.problems:
        if problem.profile is None:
            raise problem.error()
    chosen = choose(options, own, client)
    name = chosen.name.value if chosen.name and not chosen.from_client else None
    for problem in own.problems:
        if problem.profile == name:
            raise problem.error()
    warnings = [problem.line for problem in own.problems]
    environment = _environment(context.environ, chosen, flags)
    if chosen.name is None and flags.hosts is None and environment.hosts is None:
        _refuse_many(own, client)
    base = _client_base(
        chosen, client, warnings, others=flags.hosts is not None or environment.hosts is not None
    )
    return Sources((flags, chosen.layer, environment, base), chosen, own, tuple(warnings))


def _environment(environ: Mapping[str, str], chosen: Chosen, flags: Layer) -> Layer:
    """Return what the environment says about the hosts that were chosen.

    One that names hosts of its own describes another server: it says nothing about a profile's hosts. To hosts from a
    flag it still gives its user, password and TLS, as clickhouse-client does, but no cluster.
    """
    named = any(environ.get(name, "").strip() for name in ("CLICKHOUSE_URL", "CLICKHOUSE_HOST"))
    if named and chosen.layer.hosts is not None:
        return Layer()
    layer = read_environment(environ, hosts=flags.hosts is None)
    return replace(layer, native_port=None, cluster=None) if named and flags.hosts is not None else layer


def _client_base(chosen: Chosen, client: ClientOnce, warnings: list[str], *, others: bool) -> Layer:
    """Return what clickhouse-client's file says about the hosts that were chosen, by the rule of the environment.

    `others`: a flag or a variable gives hosts. The rest of the file in which the chosen connection stands is meant for
    it too. A broken file stops only who has no profile with hosts.
    """
    profile_hosts = chosen.layer.hosts is not None
    try:
        found = client.read()
    except ConfigError as error:
        if not profile_hosts:
            raise
        warnings.append(error.line)
        return Layer()
    if found is None:
        return Layer()
    base = found.base
    if chosen.from_client:
        return replace(base, hosts=None, native_port=None, http_port=None)
    if profile_hosts and base.hosts is not None:
        return Layer()
    return replace(base, hosts=None, native_port=None) if others else base


def read_own(options: Options, context: Context, other_home: bool) -> OwnFile:
    """Return chtui's own file; an empty one if there is none and none was asked for.

    Raises:
        ConfigError: it cannot be used at all.
    """
    if options.config_file is not None:
        return read_own_file(options.config_file, context)
    path = paths.config_file()
    if other_home and context.home is not None:
        path = context.home / ".config" / "chtui" / "config.toml"
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return NO_OWN_FILE
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), fix="check its mode"
        ) from error
    return read_own_file(path, context)


def choose(options: Options, own: OwnFile, client: ClientOnce) -> Chosen:
    """Return the named connection to use: by `-C`; without it and `--host`, the own file's default.

    Raises:
        ConfigError: `-C` names none; lists those that exist.
    """
    name = options.profile_name
    if name is not None:
        if name in own.profile_origins:
            return Chosen(own.profiles.get(name, Layer()), Sourced(name, "-C"))
        found = client.read()
        if found is not None and name in found.connections:
            layer, origin = found.connections[name]
            return Chosen(layer, Sourced(name, origin), True)
        names = list(dict.fromkeys([*own.profile_origins, *(found.connections if found else ())]))
        listed = one_line(f"there are: {', '.join(names)}") if names else f"there is none; {_how(own)}"
        hint = nearest(name, names)
        raise ConfigError(
            f"no profile is called '{name}'",
            where="-C",
            fix=f"{listed}; {hint}" if hint.startswith("did") else listed,
        )
    default = None if options.hosts else default_profile(own)
    if default is None:
        return Chosen(Layer())
    return Chosen(own.profiles.get(default.value, Layer()), default)


def default_profile(own: OwnFile) -> Sourced[str] | None:
    """Return the profile taken when nothing is said: `default_profile`, or one called default, or the only one."""
    if own.default_profile is not None:
        return own.default_profile
    names = list(own.profile_origins)
    name = "default" if "default" in names else names[0] if len(names) == 1 else None
    return None if name is None else Sourced(name, own.profile_origins[name])


def _refuse_many(own: OwnFile, client: ClientOnce) -> None:
    """Raise where several profiles exist, none is the default, and no other source names a host."""
    if not own.profile_origins:
        return
    found = client.read()
    if found is None or found.base.hosts is None:
        raise ConfigError(
            f"several profiles and no default_profile: {', '.join(own.profile_origins)}",
            where=str(own.path),
            fix="choose one by -C NAME, or set default_profile",
        )


def _how(own: OwnFile) -> str:
    where = own.path if own is not NO_OWN_FILE else paths.config_file()
    return f"write [profile.NAME] into {where}"


class ClientOnce:
    """clickhouse-client's file, read when it is first needed."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.file: ClientFile | None = None
        self.done = False

    def read(self) -> ClientFile | None:
        """Return what it says; None if there is none.

        Raises:
            ConfigError: it is broken.
        """
        if not self.done:
            path = find_client_file(self.context)
            self.file = read_client_file(path, self.context) if path is not None else None
            self.done = True
        return self.file


def flag_layer(options: Options, context: Context) -> Layer:
    """Return what the flags say, but for `ask_password`, whose question names the user.

    Raises:
        ConfigError: a flag's value cannot be used; names the flag.
    """
    for flag, text in (
        ("-C", options.profile_name),
        ("--theme", options.theme),
        ("--pane", options.default_pane),
    ):
        if text is not None:
            check_text("the name", text, flag)
    hosts, implied = check_hosts(options.hosts, "--host")
    secure = None if options.secure is None else Sourced(options.secure, "--secure")
    if options.password_file is not None and options.ask_password:
        raise ConfigError(
            "and --password-file both give a password", where="--ask-password", fix="keep one of them"
        )
    if options.access not in {None, "direct", "through"}:
        raise ConfigError(f"'{options.access}' is no access", where="--access", fix="write direct or through")
    secret = None
    if options.password_file is not None:
        path = context.path(str(options.password_file))
        secret = Sourced(Secret.from_file(path, "--password-file"), "--password-file")
    return Layer(
        hosts=Sourced(hosts, "--host") if hosts else None,
        user=_text(options.user, "--user"),
        cluster=_text(options.cluster, "--cluster"),
        secret=secret,
        secure=settle_secure(secure, implied, "--host"),
        verify=Sourced(False, "--insecure") if options.insecure else None,
        ca_file=None if options.ca_file is None else Sourced(context.path(str(options.ca_file)), "--ca-file"),
        access=None if options.access is None else Sourced(options.access, "--access"),
    )


def _text(value: str | None, flag: str) -> Sourced[str] | None:
    return None if value is None else Sourced(check_text("the value", value, flag), flag)
