"""A value is set by its name to what the stack refers to, and set back to what it held."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from drillbook.actions import app
from drillbook.actions.app import setting
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused, SettingsInvalid, UndoImpossible
from drillbook.ports.app_values import AppValues
from drillbook.providers.vercel.app_values import VercelValues
from drillbook.range.cloud import TEAM
from postgres.dying import dies_at
from twins.vercel_cloud import VercelCloud

ENV = "/v10/projects/booking/env"
KEY, FORMER = "sk_live_restored_4711", "sk_live_former_0815"
EFFECT = Effect(key="run:5.4", run="run")
Made = Callable[..., VercelValues]


@pytest.fixture
def made(twin: VercelCloud, tmp_path: Path) -> Made:
    def make(wanted: Mapping[str, str], target: str = "production") -> VercelValues:
        return VercelValues(
            api=twin.url,
            token=lambda: twin.cloud.token("vercel"),
            project="booking",
            team=TEAM,
            target=target,
            branch="" if target == "production" else "develop",
            wanted={name: lambda text=text: text for name, text in wanted.items()},
            kept=tmp_path / "kept",
            where="in the test",
        )

    return make


def record(twin: VercelCloud, name: str) -> dict[str, Any] | None:
    found = [each for each in twin.get(ENV)["envs"] if each["key"] == name]
    return None if not found else dict(twin.get(f"/v1/projects/booking/env/{found[0]['id']}"))


def add(twin: VercelCloud, name: str, value: str, kind: str = "encrypted", **more: Any) -> None:
    wish = {"key": name, "value": value, "type": kind, "target": ["production"], **more}
    assert twin.ask("POST", ENV, wish).status_code == 201


def test_a_missing_value_is_added_once_and_removed_again(twin: VercelCloud, made: Made) -> None:
    values = made({"ADDED": KEY})
    before = setting.remember_value(values, EFFECT, name="ADDED")
    assert setting.look_set(values, EFFECT, name="ADDED") is None

    done = app.set_value.do(values, EFFECT, name="ADDED")

    assert (done.existed, done.changed) == (False, True)
    found = record(twin, "ADDED")
    assert found is not None
    assert (found["value"], found["target"], found["type"]) == (KEY, ["production"], "encrypted")
    looked = setting.look_set(values, EFFECT, name="ADDED")
    assert looked is not None
    assert looked.changed
    assert not app.set_value.do(values, EFFECT, name="ADDED").changed
    assert KEY not in f"{before!r}{done!r}{looked!r}"

    undone = setting.undo_set(before, values, EFFECT, name="ADDED")
    assert record(twin, "ADDED") is None
    assert undone.says == "ADDED is not set, as before"
    setting.undo_set(before, values, EFFECT, name="ADDED")  # twice is once


def test_a_changed_value_gets_back_what_it_held_and_no_copy_stays(
    twin: VercelCloud, made: Made, tmp_path: Path
) -> None:
    add(twin, "CHANGED", FORMER, comment="by Li")
    values = made({"CHANGED": KEY})
    before = setting.remember_value(values, EFFECT, name="CHANGED")
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert FORMER in kept.read_text()
    assert FORMER not in repr(before)

    app.set_value.do(values, EFFECT, name="CHANGED")
    found = record(twin, "CHANGED")
    assert found is not None
    assert found["value"] == KEY

    setting.undo_set(before, values, EFFECT, name="CHANGED")
    setting.undo_set(before, values, EFFECT, name="CHANGED")  # twice is once

    found = record(twin, "CHANGED")
    assert found is not None
    assert (found["value"], found["comment"]) == (FORMER, "by Li")
    assert FORMER not in kept.read_text()


def test_setting_killed_at_its_moment_is_set_once_and_can_be_taken_back(
    twin: VercelCloud, made: Made
) -> None:
    add(twin, "KILLED", FORMER)
    values = made({"KILLED": KEY})
    before = setting.remember_value(values, EFFECT, name="KILLED")
    assert dies_at(1, EFFECT, lambda mine: app.set_value.do(values, mine, name="KILLED"))
    assert setting.look_set(values, EFFECT, name="KILLED") is None
    values.set("KILLED", EFFECT.key)  # and here the worker dies

    assert setting.look_set(values, EFFECT, name="KILLED") is not None
    setting.undo_set(before, values, EFFECT, name="KILLED")
    found = record(twin, "KILLED")
    assert found is not None
    assert found["value"] == FORMER


def test_a_sensitive_value_has_no_way_back_but_the_former_build(
    twin: VercelCloud, made: Made
) -> None:
    add(twin, "HIDDEN", FORMER, kind="sensitive")
    values = made({"HIDDEN": KEY})
    before = setting.remember_value(values, EFFECT, name="HIDDEN")
    assert not before.kept

    done = app.set_value.do(values, EFFECT, name="HIDDEN")

    assert done.changed
    assert setting.look_set(values, EFFECT, name="HIDDEN") is not None
    with pytest.raises(UndoImpossible, match="did not reveal what HIDDEN held"):
        setting.undo_set(before, values, EFFECT, name="HIDDEN")


def test_what_is_not_this_environments_or_somebody_elses_by_now_is_left_alone(
    twin: VercelCloud, made: Made
) -> None:
    add(twin, "SHARED", FORMER, target=["production", "preview"])
    add(twin, "THEIRS", FORMER)
    values = made({"SHARED": KEY, "THEIRS": KEY})
    with pytest.raises(Refused, match="one record for this environment and preview"):
        app.set_value.do(values, EFFECT, name="SHARED")
    with pytest.raises(SettingsInvalid, match="does not say what UNKNOWN is to hold in the test"):
        app.set_value.do(values, EFFECT, name="UNKNOWN")

    before = setting.remember_value(values, EFFECT, name="THEIRS")
    app.set_value.do(values, EFFECT, name="THEIRS")
    found = record(twin, "THEIRS")
    assert found is not None
    change = {"value": "theirs-since-then", "comment": ""}
    twin.ask("PATCH", f"/v9/projects/booking/env/{found['id']}", change)
    with pytest.raises(Refused, match="not as this task has set it"):
        setting.undo_set(before, values, EFFECT, name="THEIRS")
    found = record(twin, "THEIRS")
    assert found is not None
    assert found["value"] == "theirs-since-then"


class Switches:
    """What the stack says of switches, without a stack."""

    def __init__(self, values: AppValues) -> None:
        self._values = values

    def variable(self, dependency: str) -> str:
        return {"payments": "PAYMENTS"}[dependency]

    def values(self) -> AppValues:
        return self._values


def test_a_dependency_is_switched_off_in_its_environment_alone(
    twin: VercelCloud, made: Made
) -> None:
    board = Switches(made({"PAYMENTS": "off"}, "preview"))
    before = setting.remember_switch(board, EFFECT, dependency="payments")

    done = app.switch_off.do(board, EFFECT, dependency="payments")

    found = record(twin, "PAYMENTS")
    assert found is not None
    assert (found["value"], found["target"], found["gitBranch"]) == ("off", ["preview"], "develop")
    assert (done.variable, done.changed) == ("PAYMENTS", True)
    assert setting.look_switched_off(board, EFFECT, dependency="payments") is not None
    setting.undo_switch_off(before, board, EFFECT, dependency="payments")
    assert record(twin, "PAYMENTS") is None


def test_a_way_back_killed_before_it_noted_so_is_found_done(
    twin: VercelCloud, made: Made, tmp_path: Path
) -> None:
    add(twin, "BACK", FORMER, comment="by Li")
    values = made({"BACK": KEY})
    before = setting.remember_value(values, EFFECT, name="BACK")
    app.set_value.do(values, EFFECT, name="BACK")
    (kept,) = (tmp_path / "kept").iterdir()
    noted = kept.read_text()
    setting.undo_set(before, values, EFFECT, name="BACK")
    kept.write_text(noted)  # as the kill leaves it: set back at the hosting, and not noted here

    undone = setting.undo_set(before, values, EFFECT, name="BACK")

    assert undone.says == "BACK is as it was"
    assert FORMER not in kept.read_text()
