"""A trial: the cluster, the jobs, the triggers through the API, and what is seen of each fault."""

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import httpx
import msgspec
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.cluster import SCHEDULERS, Cluster
from tests.chaos.faults import Fault
from tests.chaos.jobs import JOBS, TRIGGERED
from tests.chaos.judging.checker import check_end, check_history
from tests.chaos.judging.history import History, OutputLine, OutputReader, RegisteredJob, read_database
from tests.chaos.judging.lateness import Lateness, measure_lateness
from tests.chaos.lead_watch import LeadWatch
from tests.waiting import wait_for

PUNCTUAL = tuple(job.name for job in JOBS if job.is_punctual)
_SETTLED_MS = 4_000  # on time for so long is on time again
_GRACE_MS = 1_500  # what was due so long ago has started, if it ever does in time
_AGAIN_SECONDS = 120.0
_TRIGGER_SECONDS = 0.5
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen of one fault. Seconds count from the fault.

    `led_after_seconds`: when another term of a leader was seen, 0 if none; `problems`: broken promises.
    """

    fault: str
    target: str
    at_seconds: float
    lasted_seconds: float
    late_fires: int
    on_time_after_seconds: float
    lost_tasks: int
    led_after_seconds: float
    problems: tuple[str, ...]


class Triggers:
    """Triggers a job through the API again and again, and counts what was sent, and what was answered `200`."""

    def __init__(self, cluster: Cluster, dice: random.Random) -> None:
        self.accepted: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self._cluster = cluster
        self._dice = dice
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="triggers")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_TRIGGER_SECONDS):
            name = self._dice.choice(SCHEDULERS)
            self.sent[TRIGGERED.name] += 1
            with suppress(httpx.HTTPError, KeyError):
                answer = self._cluster.call(name, "POST", "/job/trigger", TRIGGERED.name, seconds=5)
                self.accepted[TRIGGERED.name] += answer.status_code == 200


class Trial:
    """One cluster that is put through faults, one after another."""

    def __init__(self, cluster: Cluster, seed: int, say: Callable[[str], None]) -> None:
        self.cluster = cluster
        self.outcomes: list[Outcome] = []
        self._say = say
        self._dice = random.Random(seed)
        self._triggers = Triggers(cluster, random.Random(seed + 1))
        self._jobs: dict[str, RegisteredJob] = {}
        self._output = OutputReader(cluster.output)
        self._boot_wall_ms = (time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) / 1e6
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._jobs = self.cluster.registered()
        self._triggers.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._triggers.stop()

    def settle(self) -> None:
        """Wait until all is there and on time, so that what follows is due to one fault alone."""
        wait_for(self.cluster.is_whole, "the cluster is whole", _AGAIN_SECONDS)
        assert self._wait_on_time(_now_ms()) is not None, "not on time, and nothing is broken"

    def put_through(self, fault: Fault) -> Outcome:
        """Do one fault, undo it, wait until all is on time again, and check everything so far."""
        began_ms, began = _now_ms(), time.monotonic()
        self._say(f"{began - self._began:7.1f} s  {fault.name} ...")
        watch = LeadWatch(self.cluster)
        try:
            injected = fault.inject(self.cluster, self._dice)
            time.sleep(fault.seconds)  # the fault's own length
            injected.heal()
            lasted = time.monotonic() - began
            lateness = self._wait_on_time(began_ms)
        finally:
            led_after = watch.stop()
        history = self.read()
        problems = check_history(history)
        if lateness is None:
            problems.append(f"not on time again within {_AGAIN_SECONDS:g} s of the end of: {fault.name}")
            lateness = Lateness(-1, _now_ms())
        outcome = Outcome(
            fault.name,
            injected.target,
            began - self._began,
            lasted,
            lateness.late_count,
            max(0.0, (lateness.last_late_ms + 1000 - began_ms) / 1000) if lateness.last_late_ms else 0.0,
            sum(trace.state == "TASK_LOST" and trace.creation_ms >= began_ms for trace in history.traces),
            led_after,
            tuple(problems),
        )
        self.outcomes.append(outcome)
        self._say(describe(outcome))
        return outcome

    def end(self) -> list[str]:
        """Disable all jobs, wait until everything has ended, and check the whole history."""
        self._triggers.stop()
        history = self.read()
        for name in self._jobs:
            leader = self.cluster.leader()
            answer = self.cluster.call(leader, "POST", f"/job/{name}/disable", seconds=20)
            assert answer.status_code == 200, f"disable {name}: {answer.status_code} {answer.text}"
        with suppress(AssertionError):
            wait_for(self._is_quiet, "all tasks have ended", 60)
        whole = self._recorded(history.fires_until_ms)
        whole.output = self._output.read()
        problems = check_end(whole)
        for host in self.cluster.network.hosts.values():
            problems += [f"promise 1: {host.name} still runs {it.cmdline()}" for it in host.find("shard.py")]
        return problems

    def read(self) -> History:
        """Read all that happened so far."""
        history = self._recorded(_now_ms() - 3_000)
        # What shards wrote after this record may be of tasks that are recorded after it.
        recorded_ms = max((trace.creation_ms for trace in history.traces), default=0)
        history.output = self._output_until(recorded_ms + 1)  # the record's times are cut off to milliseconds
        return history

    def keep(self, directory: Path) -> None:
        """Copy what is needed to find out what went wrong: history, output, logs."""
        directory.mkdir(parents=True, exist_ok=True)
        with suppress(Exception):
            history = self.read()
            (directory / "history.json").write_bytes(msgspec.json.encode(history))
        (directory / "outcomes.json").write_bytes(msgspec.json.encode([asdict(it) for it in self.outcomes]))
        for part in ("logs", "output"):
            shutil.copytree(self.cluster.network.directory / part, directory / part, dirs_exist_ok=True)
        for host in self.cluster.network.hosts.values():
            for log in host.disk.glob("agents/**/*.log"):
                shutil.copy(log, directory / "logs" / f"{host.name}-{log.name}")
            if host.ray_logs().is_dir():
                shutil.copytree(host.ray_logs(), directory / "logs" / f"{host.name}-ray", dirs_exist_ok=True)

    def _recorded(self, fires_until_ms: int, since_ms: int = 0) -> History:
        history = History(self._jobs, fires_until_ms=fires_until_ms)
        # Answers come in meanwhile: those that are here before the record is read must be in it, and no more than those
        # that were sent by the time that it is read.
        history.accepted = Counter(self._triggers.accepted)
        read_database(self.cluster.database_url(), history, since_ms)
        history.unanswered = Counter(self._triggers.sent)
        history.unanswered.subtract(history.accepted)
        return history

    def _output_until(self, until_ms: int) -> list[OutputLine]:
        until_ns = (until_ms - self._boot_wall_ms) * 1e6
        return [line for line in self._output.read() if line.at_ns <= until_ns]

    def _wait_on_time(self, since_ms: int) -> Lateness | None:
        deadline = time.monotonic() + _AGAIN_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)  # the poll of a condition in other processes
            until_ms = _now_ms() - _GRACE_MS
            with suppress(SQLAlchemyError):
                history = self._recorded(0, since_ms)
                history.output = self._output.read()
                lateness = measure_lateness(history, PUNCTUAL, self._boot_wall_ms, since_ms, until_ms)
                if until_ms - max(lateness.last_late_ms, since_ms) >= _SETTLED_MS:
                    return lateness
        return None

    def _is_quiet(self) -> bool:
        history = self._recorded(0)
        live = any(fire.state in {"WAITING", "RUNNING"} for fire in history.fires)
        return not live and not history.live_task_ids


def describe(outcome: Outcome) -> str:
    """Say in a line what was seen."""
    late = f"{outcome.late_fires} late, on time after {outcome.on_time_after_seconds:.1f} s"
    leads = f"another leads after {outcome.led_after_seconds:.1f} s; " if outcome.led_after_seconds else ""
    verdict = "".join(f"\n{'':11}BROKEN {problem}" for problem in outcome.problems)
    return (
        f"{'':11}{outcome.target}, {outcome.lasted_seconds:.1f} s: {leads}{outcome.lost_tasks} tasks lost; {late}"
        + (verdict or "; nothing broken")
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
