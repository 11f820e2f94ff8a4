"""Where a scheduler's settings come from: command line before environment before file before default.

What is wrong with one is said with where it came from and what is allowed; a secret is never shown.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.settings.scheduler import (
    ENVIRONMENT_PREFIX,
    SchedulerSettings,
    option_of,
    variable_of,
)
from elasticjob_cloud.settings.values import URL_PREFIXES

CONFIG_VARIABLE: Final = f"{ENVIRONMENT_PREFIX}CONFIG"
# What `standalone` allows beyond the defaults: its user and the machine's user are the same person.
STANDALONE_DEFAULTS: Final[Mapping[str, object]] = {"allowed_url_prefixes": URL_PREFIXES}
# What others read: the client's commands, and the tasks and executors that a scheduler may itself be started by.
_VARIABLES_OF_OTHERS: Final = frozenset(
    ENVIRONMENT_PREFIX + name
    for name in (
        *("CONFIG", "URL", "TOKEN"),
        *("AGENT_ADDRESS", "AGENT_ID", "APP_NAME", "EXECUTOR_TOKEN", "POOL_SOCKET", "PROCESS"),
        *("TASK_ID", "JOB_NAME", "JOB_PARAMETER"),
        *("SHARDING_ITEM", "SHARDING_PARAMETER", "SHARDING_TOTAL_COUNT"),
    )
)
_SECRETS: Final = frozenset({"admin_password", "guest_password", "database_url"})
# An agent looks at its fence each 0.2 s, and its tasks have 1 s to tidy up then (docs/ray.md).
_FENCE_ENDS_SECONDS: Final = 2.0


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that look like settings and are none, each with the one that was probably meant, or "".

    They are no reason to refuse a start: other programs name variables as well (Kubernetes, after its services).
    """
    known = [variable_of(name) for name in SchedulerSettings.model_fields]
    unknown = {}
    for variable in sorted(name for name, value in environment.items() if value):
        name = variable.upper()  # pydantic reads them in either case
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _VARIABLES_OF_OTHERS and name not in known:
            # High, for all begin alike.
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            unknown[variable] = close[0] if close else ""
    return unknown


def load_settings(
    options: Mapping[str, object | None],
    config: Path | None = None,
    *,
    defaults: Mapping[str, object] | None = None,
    required: Sequence[str] = (),
) -> SchedulerSettings:
    """Gather the settings.

    Args:
        options: Those of the command line, by setting; None stands for an option that was not given.
        config: The TOML file; by default the one that `ELASTICJOB_CONFIG` names, if any.
        defaults: What differs from the general defaults for this command (`STANDALONE_DEFAULTS`).
        required: Settings that must be given somewhere.

    Raises:
        StartError: The file cannot be read or has an unknown key, a value is not allowed, or one that is required is
            missing. All faults of values are told at once.
    """
    variable = os.environ.get(CONFIG_VARIABLE, "")
    sources = _Sources(options, config or (Path(variable) if variable else None), defaults or {})
    try:
        settings = SchedulerSettings(**sources.values())
    except ValidationError as error:
        raise StartError("\n".join(_describe(problem, sources) for problem in error.errors())) from None
    _check_required(settings, required)
    if settings.lost_seconds < settings.fence_seconds + _FENCE_ENDS_SECONDS:
        raise StartError(
            f"{sources.source_of('lost_seconds')}: must be more than fence_seconds ({settings.fence_seconds:g}) by "
            f"{_FENCE_ENDS_SECONDS:g} at least, so that an agent has killed its tasks before they start elsewhere; "
            f"it is {settings.lost_seconds:g}."
        )
    if settings.admin_username == settings.guest_username:
        raise StartError(
            f"{sources.source_of('guest_username')}: the guest has the admin's name, {settings.admin_username!r}. "
            "Give them different ones."
        )
    return settings


class _Sources:
    """Which setting was given where. pydantic reads the variables itself."""

    def __init__(
        self, options: Mapping[str, object | None], config: Path | None, defaults: Mapping[str, object]
    ) -> None:
        self._given = {name: value for name, value in options.items() if value is not None}
        self._config = config
        self._file = {} if config is None else read_settings_file(config)
        self._defaults = defaults
        self._variables = {name.upper() for name, value in os.environ.items() if value}

    def values(self) -> dict[str, Any]:
        """Give all values but those of variables. What is passed wins over these: so nothing below them is passed."""
        lower = {**self._defaults, **self._file}
        return {name: value for name, value in lower.items() if not self._is_variable(name)} | self._given

    def source_of(self, name: str) -> str:
        """Say where a setting comes from."""
        if name in self._given:
            return f"option {option_of(name)}"
        if self._is_variable(name):
            return f"variable {variable_of(name)}"
        return f"{name} in {self._config}" if name in self._file else f"setting {name}"

    def _is_variable(self, name: str) -> bool:
        return variable_of(name) in self._variables


def _check_required(settings: SchedulerSettings, required: Sequence[str]) -> None:
    for name in required:
        if name not in settings.model_fields_set or not getattr(settings, name):
            ways = f"{option_of(name)}, {variable_of(name)}, or {name} in the file of --config"
            raise StartError(f"{name} is not set, and there is no default: give it by {ways}.")


def read_settings_file(config: Path) -> dict[str, Any]:
    """Read a TOML file of settings; raise `StartError` when it is not one or has a key that is no setting."""
    try:
        values = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"The configuration file {config} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # bad TOML, or bytes that are not UTF-8
        raise StartError(f"The configuration file {config} is not TOML: {error}.") from None
    refuse_unknown_keys(values, str(config))
    return values


def refuse_unknown_keys(values: Mapping[str, object], source: str) -> None:
    """Raise `StartError` for each key that is no setting, with the setting that was probably meant."""
    known = list(SchedulerSettings.model_fields)
    problems = []
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else "docs/configuration.md lists all settings."
            problems.append(f"{source}: there is no setting '{key}'; {hint}")
    if problems:
        raise StartError("\n".join(problems))


def _describe(problem: ErrorDetails, sources: _Sources) -> str:
    name = str(problem["loc"][0])
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "must")
    hidden = name in _SECRETS or problem.get("input") is None
    value = "this" if hidden else repr(str(problem["input"])[:80])
    return f"{sources.source_of(name)}: {value} is not allowed: it {message.removeprefix('it ')}" + (
        "" if message.endswith("?") else "."
    )
