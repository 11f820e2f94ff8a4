"""The app of odd jobs (`tests/odd_jobs`) in every executor service, many shards at once."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from tests.integration.sdk.sdk_agent import PATIENCE_SECONDS, TERMINAL, SdkAgent
from tests.odd_jobs.rounds import LONG_ROUNDS
from tests.waiting import wait_for

APP = Path(__file__).parent / "sdk_jobs.py"
SERVICES = ["CPU", "SINGLE_THREAD", "PROCESS", "CPU-async", "SINGLE_THREAD-async", "PROCESS-async"]
SHARDS = 4
PATIENCE = 6 * PATIENCE_SECONDS


def load_app() -> ModuleType:
    """Load it for its tables alone, with streams as they are."""
    before = sys.stdout
    with Path(os.devnull).open("w") as own:
        sys.stdout = own
        try:
            spec = util.spec_from_file_location("odd_sdk_jobs", APP)
            assert spec is not None
            assert spec.loader is not None
            module = util.module_from_spec(spec)
            spec.loader.exec_module(module)
        finally:
            sys.stdout = before
        module.LOG.handlers.clear()
    return module


app = load_app()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        shutil.copy(APP, tmp_path / APP.name)
        yield agent


def jobs_of(service: str) -> list[str]:
    barred = (app.no_loop if service.endswith("async") else set()) | (
        set() if service.startswith("PROCESS") else app.alone
    )
    return [job for job in app.jobs if job not in barred]


def run_round(agent: SdkAgent, service: str, number: int) -> None:
    name, _, kind = service.partition("-")
    sent = {}
    for job in jobs_of(service):
        job_name = f"{job}-{kind}" if kind else job
        prefix = f"{job}.{number}."
        tasks = agent.run(range(SHARDS), prefix=prefix, jobName=job_name, jobExecutorServiceHandlerType=name)
        sent.update(dict.fromkeys(tasks, job))
    wait_ends(agent, set(sent))
    for task, job in sent.items():
        check_task(agent, task, job)
    agent.statuses.clear()


def wait_ends(agent: SdkAgent, tasks: set[str]) -> None:
    def left() -> set[str]:
        return tasks - {status["taskId"] for status in agent.statuses if status["state"] in TERMINAL}

    try:
        agent.wait_until(lambda: agent.ended or not left(), PATIENCE)
    except AssertionError:
        raise AssertionError(f"these do not end: {sorted(left())}") from None
    assert not left(), f"the executor ended before {sorted(left())}: {agent.own_output()}"


def check_task(agent: SdkAgent, task: str, job: str) -> None:
    ended = agent.wait_end(task)
    errors = agent.text(task, "stderr")
    assert ended["state"] == "TASK_FINISHED", (ended, errors)
    assert ended["success"], (ended, errors)
    assert agent.states(task) == ["TASK_RUNNING", "TASK_FINISHED"]
    expected = sorted(f"{task} {line}" for line in app.lines[job])
    assert sorted(agent.text(task).splitlines()) == expected


def processes_of(group: int) -> dict[int, str]:
    """The processes of a session, and what each runs."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if int(fields[3]) == group and fields[0] != "Z":
                found[int(entry.name)] = command
    return found


def wait_alone(agent: SdkAgent) -> None:
    """Wait until nothing is left but the executor, its worker processes, and the helpers of multiprocessing."""
    assert agent.process is not None
    pid = agent.process.pid
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        left = processes_of(pid)
        helpers = [
            command for command in left.values() if "resource_tracker" in command or "forkserver" in command
        ]
        if len(left) - len(helpers) <= 1 + (os.cpu_count() or 1):
            return
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def run_rounds(agent: SdkAgent, service: str, rounds: int, *, unbuffered: bool = False) -> None:
    agent.start(APP.name, environment={"PYTHONUNBUFFERED": "1" if unbuffered else ""})
    for number in range(rounds):
        run_round(agent, service, number)
    wait_alone(agent)
    agent.send({"type": "stop"})
    assert agent.wait_exit(PATIENCE) == 0
    assert agent.process is not None
    session = agent.process.pid
    own_output, _ = agent.own_output()
    assert own_output == ""
    wait_for(lambda: not processes_of(session), "no process of its session is left")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", SERVICES)
def test_odd_jobs_end_and_each_line_is_in_its_own_log(agent: SdkAgent, service: str) -> None:
    run_rounds(agent, service, 1)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_odd_jobs_work_with_unbuffered_streams(agent: SdkAgent) -> None:
    run_rounds(agent, "CPU", 1, unbuffered=True)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service", SERVICES)
def test_many_rounds_of_odd_jobs_leave_nothing(agent: SdkAgent, service: str) -> None:
    run_rounds(agent, service, LONG_ROUNDS)
