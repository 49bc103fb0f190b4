"""Settings of the user's profile that cut results short or change what is stored, and what servers take for a repetition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chtui.migrate.copying import COMPUTING, COPYING
from chtui.migrate.hands import DROPPING
from chtui.migrate.hosts import Host
from chtui.migrate.live import flushing
from chtui.migrate.preflight.findings import Finding, Kind, Severity, blocker, note, warning
from chtui.migrate.preflight.look import Look
from chtui.migrate.preflight.reader import BOUNDS, CUTTING, MODES, Reader
from chtui.migrate.spec import Flavour, Spec
from chtui.records import HostId

OVERRULED = {**COPYING, **COMPUTING, **DROPPING}
"""Settings that the migration's own statements set, whatever the profile says."""


class Setting(NamedTuple):
    """A setting as it is for the user."""

    name: str
    value: str
    is_changed: bool
    """Whether a profile or the configuration sets it."""
    is_fixed: bool | None
    """Whether the user may not change it, or only within bounds; None where the server does not tell."""


class Element(NamedTuple):
    """A setting as a profile, a user or a role has it."""

    owner: str
    is_own: bool
    """Whether it holds for the migration's user."""
    name: str
    value: str


class Rule(NamedTuple):
    """What a setting must be."""

    is_safe: Callable[[str], bool]
    kind: Kind
    harm: str


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda value: value in words


ZERO, THROW, EMPTY = _one_of("0", ""), _one_of("throw"), _one_of("", "{}", "[]")
CUTS = "results end early, with success"
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("limit", "offset"), Rule(ZERO, Kind.SETTING, "every result is cut to so many rows, with success")),
    **dict.fromkeys(
        (
            "read_overflow_mode", "read_overflow_mode_leaf", "timeout_overflow_mode", "result_overflow_mode", "group_by_overflow_mode",
            "sort_overflow_mode", "set_overflow_mode", "distinct_overflow_mode", "join_overflow_mode", "transfer_overflow_mode",
        ),
        Rule(THROW, Kind.SETTING, CUTS),
    ),
    **dict.fromkeys(
        ("max_rows_to_read", "max_bytes_to_read", "max_result_rows", "max_result_bytes", "max_rows_to_group_by"),
        Rule(ZERO, Kind.SETTING, "large reads fail, or end early where the overflow mode is break"),
    ),
    **dict.fromkeys(
        ("additional_table_filters", "additional_result_filter"), Rule(EMPTY, Kind.SETTING, "rows are left out, with success")
    ),
    "insert_null_as_default": Rule(ZERO, Kind.SETTING, "a NULL is stored as the column's default, with success"),
    "session_timezone": Rule(EMPTY, Kind.SETTING, "days and months begin at other instants in this user's queries"),
    "join_use_nulls": Rule(ZERO, Kind.SETTING, "views that join give other types"),
    "final": Rule(ZERO, Kind.SETTING, "rows that replace each other are read once"),
    "aggregate_functions_null_for_empty": Rule(ZERO, Kind.SETTING, "sums of nothing are NULL"),
    "empty_result_for_aggregation_by_empty_set": Rule(ZERO, Kind.SETTING, "counts of nothing give no row"),
    "transform_null_in": Rule(ZERO, Kind.SETTING, "NULL IN (...) means something else"),
    "data_type_default_nullable": Rule(ZERO, Kind.SETTING, "columns are created Nullable"),
    "cast_keep_nullable": Rule(ZERO, Kind.SETTING, "conversions give Nullable types"),
    "skip_unavailable_shards": Rule(ZERO, Kind.SETTING, "a shard that is down is left out, with success"),
    "use_query_cache": Rule(ZERO, Kind.SETTING, "old results are given for new ones"),
    "apply_deleted_mask": Rule(_one_of("1"), Kind.SETTING, "deleted rows come back"),
    "materialized_views_ignore_errors": Rule(ZERO, Kind.SETTING, "a row may be in a table and not in its aggregates"),
    "ignore_materialized_views_with_dropped_target_table": Rule(ZERO, Kind.SETTING, "a view may store nothing, with success"),
    "throw_on_max_partitions_per_insert_block": Rule(_one_of("1"), Kind.SETTING, "a row in a wrong partition is not refused"),
    "insert_shard_id": Rule(ZERO, Kind.SETTING, "rows go to one shard whatever their key"),
    "insert_distributed_one_random_shard": Rule(ZERO, Kind.SETTING, "rows go to any shard"),
    "enable_parallel_replicas": Rule(ZERO, Kind.SETTING, "replicas share a read, and so one is not proven by itself"),
    "prefer_localhost_replica": Rule(_one_of("1"), Kind.SETTING, "a host's own rows may be read from another replica"),
    "async_insert": Rule(ZERO, Kind.ASYNC_INSERT, "rows are stored later and in other blocks than they were sent in"),
    "wait_for_async_insert": Rule(_one_of("1"), Kind.ASYNC_INSERT, "rows are acknowledged before they are stored"),
    **dict.fromkeys(
        ("distributed_foreground_insert", "insert_distributed_sync"),
        Rule(_one_of("1"), Kind.BACKGROUND_INSERT, "Distributed tables acknowledge rows before any shard has them: a host that is lost loses them"),
    ),
    "insert_deduplicate": Rule(ZERO, Kind.DEDUPLICATION, "rows that are equal to earlier ones are dropped from Replicated tables, with success"),
}  # fmt: skip
SUCCESSORS = {"insert_distributed_sync": "distributed_foreground_insert"}
"""Old names of settings, which new servers know beside the new ones."""
READONLY = "readonly"
LIMITS_OF_STATEMENTS = ("max_execution_time", "max_partitions_per_insert_block")
"""Looked at only for whether they may be changed: every statement sets its own."""
WINDOWS = (
    "replicated_deduplication_window", "replicated_deduplication_window_seconds", "non_replicated_deduplication_window",
)  # fmt: skip
DELIVERY_SECONDS = 30.0
"""How long a Distributed table pauses at most after a host failed it. Source: the default of
`distributed_directory_monitor_max_sleep_time_ms` in ClickHouse's documentation; 18.16 does not tell its own. Seen there: with a
lateness of 4 s rows were repaired and then came, with one of 40 s they were not."""
TOKEN_KINDS = ((26, 3), (26, 1), (24, 3))
"""Versions at which the meaning of `insert_deduplication_token` with INSERT SELECT changed. Source: reference, 2.5."""


def check(look: Look) -> None:
    """Look at the user's settings on every host, at other profiles', and at what is taken for a repetition."""
    names = sorted({READONLY, *RULES, *LIMITS_OF_STATEMENTS, *OVERRULED})
    told = look.each(look.everyone, "settings", lambda host: _settings(look, host, names))
    for host_id, settings in told.items():
        look.add(judge(host_id, settings))
    able = [host for host in look.everyone if look.has(host, "system.settings_profile_elements")]
    profiles = look.each(able, "settings of other users", _profiles, severity=Severity.NOTE)
    for host_id, elements in profiles.items():
        look.add(judge_profiles(host_id, elements))
    windows = look.each(look.targets, "deduplication", _windows)
    for host in look.targets:
        if host.id in windows:
            look.add(judge_windows(look.spec, host.id, host.version, windows[host.id]))
    look.add(judge_delivery(look.spec, {host.id: host.version for host in look.targets}))


def judge(host: HostId, settings: Sequence[Setting]) -> list[Finding]:
    """What does harm is a blocker where the user may not change it, a warning where a profile set it, else a note."""
    found: list[Finding] = []
    names = {setting.name for setting in settings}
    if level := next((each.value for each in settings if each.name == READONLY and each.value != "0"), ""):
        what = "this user may only read"
        remedy = "name a user who may write in the profile's [write]"
        return [
            blocker(Kind.PRIVILEGE, READONLY, host, what, evidence=f"{READONLY} = {level}", remedy=remedy)
        ]
    for setting in settings:
        if SUCCESSORS.get(setting.name) in names:
            continue
        rule = RULES.get(setting.name)
        harmful = rule is not None and not rule.is_safe(setting.value)
        kind = rule.kind if rule else Kind.SETTING
        evidence = f"{setting.name} = {setting.value}"
        if setting.is_fixed and (harmful or setting.name in OVERRULED):
            what = rule.harm if rule and harmful else "the migration sets it, and this user may not change it"
            remedy = f"take the constraint on {setting.name} out of the user's profile"
            found.append(
                blocker(
                    kind, setting.name, host, what, evidence=f"{evidence}, not to be changed", remedy=remedy
                )
            )
        elif rule and harmful:
            ours = "the migration's own statements set it right; " if setting.name in OVERRULED else ""
            remedy = f"{ours}set it right in the profiles of whoever writes or reads these tables"
            silent = kind is Kind.BACKGROUND_INSERT or setting.is_changed
            judge_it = warning if silent else note
            found.append(judge_it(kind, setting.name, host, rule.harm, evidence=evidence, remedy=remedy))
    if any(setting.is_fixed is None for setting in settings):
        what = "this version does not tell which settings a user may not change"
        found.append(note(Kind.SETTING, "", host, what, remedy="look for constraints in its users.xml"))
    return found


def judge_profiles(host: HostId, elements: Sequence[Element]) -> list[Finding]:
    """Whoever writes v1 and v2, or reads them, has a profile too."""
    found = []
    for each in elements:
        rule = RULES.get(each.name)
        if rule is None or rule.is_safe(each.value):
            continue
        label, evidence = f"{each.owner}: {each.name}", f"{each.name} = {each.value}"
        if each.is_own and each.name in CUTTING:
            remedy = f"take {each.name} out of {each.owner}"
            found.append(blocker(rule.kind, label, host, rule.harm, evidence=evidence, remedy=remedy))
        elif not each.is_own:
            remedy = f"set it right if {each.owner} writes or reads these tables"
            found.append(warning(rule.kind, label, host, rule.harm, evidence=evidence, remedy=remedy))
    return found


def judge_windows(
    spec: Spec, host: HostId, version: tuple[int, ...], windows: Mapping[str, str]
) -> list[Finding]:
    """Whether v2 will drop rows that v1 keeps twice. The copy never leans on it: its staging tables know no repetitions."""
    told = ", ".join(f"{name} = {windows[name]}" for name in WINDOWS if name in windows)
    found = [
        note(
            Kind.DEDUPLICATION,
            "",
            host,
            f"tokens of INSERT SELECT: {_token_meaning(version)}",
            evidence=told,
            remedy="nothing to do: the copy uses no tokens and no windows, but scripts beside it must not rely on them",
        )
    ]
    replicated = spec.target.flavour is Flavour.REPLICATED
    name = WINDOWS[0] if replicated else WINDOWS[2]
    for table in spec.tables:
        value = table.settings.get(name, windows.get(name, "0"))
        if value.strip("'") == "0":
            continue
        what = "batches that are equal to an earlier one are dropped, with success, where v1 keeps them"
        remedy = (
            f"set {name} = 0 for the table; else writers' repeated batches are found missing and repaired"
        )
        found.append(
            warning(Kind.DEDUPLICATION, table.name, host, what, evidence=f"{name} = {value}", remedy=remedy)
        )
    return found


def judge_delivery(spec: Spec, versions: Mapping[HostId, tuple[int, ...]]) -> list[Finding]:
    """Whether rows on their way through a Distributed table may come after they were found missing, and be there twice then.

    Where a host can be asked to send on what it holds, that is waited for.
    """
    lateness_seconds = spec.retention.lateness_seconds
    if lateness_seconds >= 2 * DELIVERY_SECONDS:
        return []
    what = f"after a failure a Distributed table sends up to {DELIVERY_SECONDS:g} s late, and this version cannot be told to"
    remedy = f"let retention.lateness_seconds be {DELIVERY_SECONDS:g} s more than writers need"
    evidence = f"lateness_seconds = {lateness_seconds:g}"
    return [
        warning(Kind.BACKGROUND_INSERT, "lateness_seconds", host, what, evidence=evidence, remedy=remedy)
        for host, version in versions.items()
        if version < flushing.SINCE
    ]


def _token_meaning(version: tuple[int, ...]) -> str:
    if version >= TOKEN_KINDS[0]:
        return "they hold without ORDER BY ALL"
    if version >= TOKEN_KINDS[1]:
        return "they are ignored without ORDER BY ALL"
    if version >= TOKEN_KINDS[2]:
        return "they force one stream; a repetition with other blocks loses rows"
    return "there are none, or they depend on the blocks"


def _settings(look: Look, host: Host, names: Sequence[str]) -> list[Setting]:
    """The settings, each asked for while those are set right that could cut this very answer."""
    assert isinstance(host, Reader)
    modes = [name for name in names if name in MODES]
    others = [name for name in names if name not in MODES]
    return [*_some(look, host, modes, BOUNDS), *_some(look, host, others, MODES)]


def _some(look: Look, host: Reader, names: list[str], settings: Mapping[str, int | str]) -> list[Setting]:
    absent = look.absent(host, "system.settings.min", "system.settings.max", "system.settings.readonly")
    # Under readonly = 1, which every other read has, no setting could be changed.
    rows = host.as_the_profile_has_it(
        "preflight_settings",
        {"names": [*names]},
        settings={**CUTTING, **settings, "readonly": 0},
        absent=absent,
    )
    return [
        Setting(
            str(name),
            str(value),
            bool(changed),
            None if fixed is None else bool(fixed) or _is_bounded(str(name), lowest, highest),
        )
        for name, value, changed, lowest, highest, fixed in rows
    ]


def _is_bounded(name: str, lowest: object, highest: object) -> bool:
    """Whether bounds keep the migration from setting what it has to."""
    wanted = OVERRULED.get(name)
    if not isinstance(wanted, int) or (lowest is None and highest is None):
        return False
    low = float(str(lowest)) if lowest is not None else float("-inf")
    high = float(str(highest)) if highest is not None else float("inf")
    return not low <= wanted <= high


def _profiles(host: Host) -> list[Element]:
    rows = host.rows("preflight_profiles", {"names": [*RULES]})
    return [Element(str(owner), bool(own), str(name), str(value)) for owner, own, name, value in rows]


def _windows(host: Host) -> dict[str, str]:
    rows = host.rows("preflight_merge_tree_settings", {"names": [*WINDOWS]})
    return {str(name): str(value) for name, value in rows}
