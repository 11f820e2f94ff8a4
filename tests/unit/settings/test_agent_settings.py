"""Whatever an agent goes by can be set by its operator."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from elasticjob_cloud.agent.apps import AppLimits
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.server.engines import agent_settings
from elasticjob_cloud.settings.agent_tuning import AgentTuning
from elasticjob_cloud.settings.scheduler import SchedulerSettings, variable_of
from elasticjob_cloud.settings.sources import load_settings

_OF_OTHERS = {
    "app_limits",
    "fence_seconds",
    "open_files",
}  # the first are looked at one by one, the second is of the ray engine, the third of the local one


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SchedulerSettings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    monkeypatch.delenv("ELASTICJOB_CONFIG", raising=False)


def another(value: Any) -> Any:
    """Give another value of that type which is allowed."""
    match value:
        case ():
            return ("ANOTHER",)
        case tuple():
            return ("https://another.example/",)
        case float() if value < 1:
            return value / 2
        case _:
            return value + 1


def changed_settings() -> SchedulerSettings:
    """Give settings of which none that concerns agents has its default."""
    about_agents = {
        name
        for name in SchedulerSettings.model_fields
        if name.startswith(("app_", "output_", "executor_", "allowed_", "orphan_", "kill_"))
    }
    defaults = SchedulerSettings()
    changed = {
        name: another(getattr(defaults, name)) for name in about_agents | set(AgentTuning.model_fields)
    }
    return load_settings(changed)


@pytest.mark.parametrize("kind", [AgentSettings, AppLimits])
def test_every_setting_of_an_agent_is_one_of_the_scheduler(kind: type[AgentSettings | AppLimits]) -> None:
    given = agent_settings(changed_settings())
    actual = msgspec.structs.asdict(given if kind is AgentSettings else given.app_limits)
    default = msgspec.structs.asdict(kind())
    unset = [
        name
        for name, value in default.items()
        if actual[name] == value and name not in _OF_OTHERS and not isinstance(value, str)
    ]
    assert not unset, f"{unset}: add them to settings/agent_tuning.py and to server/engines.py"


def test_defaults_of_the_scheduler_are_those_of_the_agent() -> None:
    given = agent_settings(load_settings({}))
    limits = msgspec.structs.replace(given.app_limits, allowed_url_prefixes=AppLimits().allowed_url_prefixes)
    assert limits == AppLimits()
    assert msgspec.structs.replace(given, app_limits=limits) == AgentSettings()


@pytest.mark.parametrize(
    "name,value",
    [
        ("memory_reserve_fraction", "1"),
        ("processes_at_once", "0"),
        ("executor_line_limit_bytes", "1 KiB"),
        ("app_downloads_at_once", "-1"),
        ("memory_check_seconds", "inf"),
    ],
)
def test_value_that_would_break_an_agent_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(variable_of(name), value)
    with pytest.raises(StartError, match=variable_of(name)):
        load_settings({})
    monkeypatch.delenv(variable_of(name))
    config = tmp_path / "scheduler.toml"
    config.write_text(f'{name} = "{value}"\n')
    with pytest.raises(StartError, match=f"{name} in "):
        load_settings({}, config)
