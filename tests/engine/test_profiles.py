"""Several profiles and clusters at once: `show fleet`, the fleet on screen, switching."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chtui.errors import ConfigError
from chtui.profile.options import Options
from chtui.session import Comparison, Profiles
from chtui.views import fleet
from tests.engine.commands import command
from tests.screens.terminal import clean_environment, terminal
from tests.support import CLUSTER, ModernRig, wait_until

WAIT = 60.0


def config(rig: ModernRig, directory: Path) -> Path:
    """A profile that leads to the rig, one of a user who sees little, one whose host is not there, one without a password."""
    lines = ["version = 1", 'default_profile = "rig"']
    addresses = "\n".join(f'"{native}" = "{http}"' for native, http in rig.addresses().items())
    for name, user in (("rig", "oncall"), ("blind", "blind")):
        secret = directory / f"{user}.password"
        secret.touch(mode=0o600)
        secret.write_text(rig.password(user))
        lines.append(
            f'[profile.{name}]\nhosts = ["127.0.0.1:{rig.http_ports[0]}"]\nuser = "{user}"\n'
            f'password_file = "{secret}"\n[profile.{name}.http_addresses]\n{addresses}'
        )
    lines.append('[profile.gone]\nhosts = ["127.0.0.1:1"]')
    lines.append(
        f'[profile.closed]\nhosts = ["127.0.0.1:{rig.http_ports[0]}"]\npassword_env = "NOT_SET_ANYWHERE"'
    )
    path = directory / "config.toml"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_all_profiles_side_by_side(modern: ModernRig, tmp_path: Path) -> None:
    profiles = Profiles(Options(config_file=config(modern, tmp_path)), {})
    assert profiles.names() == ("rig", "blind", "gone", "closed")
    comparison = Comparison(profiles)
    comparison.start()
    try:
        wait_until(lambda: all(fleet.is_complete(one) for one in comparison.seen()), WAIT, "all profiles")
        facts = {fact.profile: fact for fact in fleet.facts(comparison.seen())}
    finally:
        comparison.stop()
    assert (facts["rig"].cluster, facts["rig"].hosts_up, facts["rig"].hosts) == (CLUSTER, 4, 4)
    assert (facts["rig"].worst_state, facts["rig"].partly_blind_hosts) == ("up", 0)
    assert facts["blind"].partly_blind_hosts == 4
    assert (facts["gone"].hosts, facts["closed"].hosts) == (None, None)
    assert "127.0.0.1:1" in facts["gone"].error
    assert "NOT_SET_ANYWHERE" in facts["closed"].error


def test_show_fleet(modern: ModernRig, tmp_path: Path) -> None:
    path = config(modern, tmp_path)
    with command() as chtui:
        done = chtui("--config", str(path), "show", "fleet", "--json")
        assert (done.code, done.err) == (0, "")
        document = json.loads(done.out)
        assert (document["schema"], document["profile"]) == ("chtui/1 fleet", None)
        assert {row["profile"]: row["hosts_up"] for row in document["rows"]} == {
            "rig": 4, "blind": 4, "gone": None, "closed": None,
        }  # fmt: skip
        text = chtui("--config", str(path), "show", "fleet").out
        assert text.splitlines()[0].split()[:3] == ["PROFILE", "HOSTS", "WORST"]


@pytest.mark.parametrize("name", ["nosuch", "closed"])
def test_a_profile_that_cannot_be_opened_says_why(modern: ModernRig, tmp_path: Path, name: str) -> None:
    profiles = Profiles(Options(config_file=config(modern, tmp_path)), {})
    with pytest.raises(ConfigError) as refused:
        profiles.open(name)
    assert "\n" not in refused.value.line


def test_switching_profiles_on_screen(modern: ModernRig, tmp_path: Path) -> None:
    path = config(modern, tmp_path)
    console = (sys.executable, "-m", "chtui", "--config", str(path))
    with terminal(120, 24, *console, environment=clean_environment()) as window:
        window.wait_for("4/4 hosts up")
        window.wait_for("profile rig")
        window.keys(":fleet", "Enter")
        window.wait_for("only part of the tables")
        window.wait_for("closed ")
        window.keys("g", "/", "blind", "Enter", "Enter")
        window.wait_for("profile blind")
        window.wait_for("this user sees only part of the tables")
        window.wait_for("4/4 hosts up")
        window.keys(":profile closed", "Enter")
        window.wait_for("NOT_SET")
        assert "profile blind" in window.screen
        window.keys(f":cluster {CLUSTER}", "Enter")
        window.wait_for("4/4 hosts up")
        window.keys("Q")
        window.wait_for("exit=0")
