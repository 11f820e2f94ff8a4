"""The environment that tasks and executors start with: what is on a list, and nothing else of the agent's.

A list of what is secret would never be whole: every service has names of its own for its keys and passwords.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from elasticjob_cloud.agent.process.start.inherited_state import own_environment
from elasticjob_cloud.model.jobs.names import is_own_variable
from elasticjob_cloud.model.trust import CA_FILE_VARIABLE

AGENT_VARIABLE = "ELASTICJOB_AGENT_ID"  # the mark by which a later agent finds what was left behind
TASK_VARIABLE = "ELASTICJOB_TASK_ID"
OWNER_VARIABLE = (
    "ELASTICJOB_PROCESS"  # the mark by which an agent finds what escaped from a task's process group
)

_PASSED = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"})
_PASSED_IN_EITHER_CASE = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"})
_LOCALE_PREFIX = "LC_"
# What the agent itself needs beyond that: to be started as its scheduler was, and to find a place for its sockets.
_NEEDED_BY_AGENT = frozenset({"XDG_RUNTIME_DIR", "LD_LIBRARY_PATH"})
_PREFIXES_FOR_AGENT = ("PYTHON", "COVERAGE_")  # the latter: how our own tests measure it
_NOT_FOR_AGENT = frozenset({"PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT"})
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


def base_environment(
    agent_id: str,
    source: Mapping[str, str] | None = None,
    *,
    ca_file: str = "",
    pass_env: Iterable[str] = (),
) -> dict[str, str]:
    """Give what every task starts with.

    `PATH` begins with the directory of the agent's own interpreter, so that `python -m elasticjob_cloud module:Job` as
    `bootstrapScript` finds the SDK.
    """
    environment = passed_environment(own_environment() if source is None else source, pass_env)
    interpreter_directory = str(Path(sys.executable).parent)
    path = environment.get("PATH") or _DEFAULT_PATH
    if path.split(os.pathsep, 1)[0] != interpreter_directory:
        path = f"{interpreter_directory}{os.pathsep}{path}"
    environment["PATH"] = path
    environment[AGENT_VARIABLE] = agent_id
    if ca_file:
        environment[CA_FILE_VARIABLE] = ca_file
    return environment


def passed_environment(source: Mapping[str, str], pass_env: Iterable[str] = ()) -> dict[str, str]:
    """Give what of an environment tasks get; `pass_env` names more than the list has."""
    named = frozenset(pass_env)
    return {
        name: value
        for name, value in source.items()
        if (name in named or _is_on_list(name)) and not is_own_variable(name)
    }


def agent_environment(source: Mapping[str, str], pass_env: Iterable[str] = ()) -> dict[str, str]:
    """Give what an agent starts with: what its tasks get, and what it needs itself."""
    needed = {name: value for name, value in source.items() if _is_needed_by_agent(name)}
    return needed | passed_environment(source, pass_env)


def without_ours(source: Mapping[str, str]) -> dict[str, str]:
    """Give an environment without our own settings, passwords and database addresses among them."""
    return {name: value for name, value in source.items() if not is_own_variable(name)}


def _is_on_list(name: str) -> bool:
    return name in _PASSED or name.startswith(_LOCALE_PREFIX) or name.upper() in _PASSED_IN_EITHER_CASE


def _is_needed_by_agent(name: str) -> bool:
    return name in _NEEDED_BY_AGENT or (name.startswith(_PREFIXES_FOR_AGENT) and name not in _NOT_FOR_AGENT)
