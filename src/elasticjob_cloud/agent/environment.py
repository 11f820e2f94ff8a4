"""The environment that tasks and executors start with: the agent's own, without secrets and without what is only its own."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from elasticjob_cloud.agent.known_state import own_environment
from elasticjob_cloud.model.trust import CA_FILE_VARIABLE

AGENT_VARIABLE = "ELASTICJOB_AGENT_ID"  # the mark by which a later agent finds what was left behind
TASK_VARIABLE = "ELASTICJOB_TASK_ID"
OWNER_VARIABLE = (
    "ELASTICJOB_PROCESS"  # the mark by which an agent finds what escaped from a task's process group
)

# Ray's hold its token (engine notes); ours hold passwords and database addresses.
_SCRUBBED_PREFIXES = ("RAY_", "ELASTICJOB_", "LISTEN_", "WATCHDOG_")
_SCRUBBED = frozenset(
    {
        # The agent runs from a virtual environment; a script that calls another Python must not be led into it.
        "VIRTUAL_ENV",
        "VIRTUAL_ENV_PROMPT",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "__PYVENV_LAUNCHER__",
        # systemd's, meant for the agent's unit alone.
        "NOTIFY_SOCKET",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        # The working directory of the agent.
        "PWD",
        "OLDPWD",
    }
)
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


def base_environment(
    agent_id: str, source: Mapping[str, str] | None = None, *, ca_file: str = ""
) -> dict[str, str]:
    """Give what every task starts with.

    `PATH` begins with the directory of the agent's own interpreter, so that `python -m elasticjob_cloud module:Job` as
    `bootstrapScript` finds the SDK.
    """
    environment = scrubbed_environment(own_environment() if source is None else source)
    interpreter_directory = str(Path(sys.executable).parent)
    path = environment.get("PATH") or _DEFAULT_PATH
    if path.split(os.pathsep, 1)[0] != interpreter_directory:
        path = f"{interpreter_directory}{os.pathsep}{path}"
    environment["PATH"] = path
    environment[AGENT_VARIABLE] = agent_id
    if ca_file:
        environment[CA_FILE_VARIABLE] = ca_file
    return environment


def scrubbed_environment(source: Mapping[str, str]) -> dict[str, str]:
    """Give the environment without our own settings, Ray's, and those of the service manager."""
    return {
        name: value
        for name, value in source.items()
        # No process can be started with the former two, though this one may have been.
        if name and "=" not in name and name not in _SCRUBBED and not name.startswith(_SCRUBBED_PREFIXES)
    }
