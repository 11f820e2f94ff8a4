"""Holds each run against what its agents did: its result, its counts, its reason, and who may have started it.

The rule of what counts as failed is written here once more, from `docs/semantics.md`, and not taken from the code.
"""

from collections import Counter
from collections.abc import Iterable

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.messages import TaskStatus
from elasticjob_cloud.model.records import FireRecord, StatusTrace
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Decisions
from elasticjob_cloud.scheduling.commands import ApiCommand, TriggerJob
from elasticjob_cloud.scheduling.runs.tasks import NOT_STARTED_AGAIN
from tests.simulation.store_model import MemoryStore

_DAY_MS = 86_400_000
_SUCCEEDED, _FAILED, _KILLED = ShardResult.SUCCEEDED, ShardResult.FAILED, ShardResult.KILLED


class RunChecker:
    """Notes what agents and users were told, and compares it with the record when all is over."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.counted_runs: Counter[RunState] = Counter()
        self.counted_executions: Counter[ShardResult] = Counter()
        self._said: dict[str, TaskStatus] = {}
        self._accepted: set[int] = set()
        self._of_key: dict[tuple[str, str], int] = {}

    def agent_says(self, status: TaskStatus) -> None:
        """An agent saw a task end so. What it says of one that it has forgotten since tells nothing."""
        self._said.setdefault(status.task_id, status)

    def turn_committed(self, decisions: Decisions) -> None:
        """Add up what the metrics are told."""
        self.counted_runs.update(decisions.runs)
        self.counted_executions.update(decisions.executions)

    def accept(self, command: ApiCommand, run_id: int | None) -> bool:
        """A command was carried out; tell whether it started a run. The same key means the same run."""
        if run_id is None:
            return False
        if isinstance(command, TriggerJob) and command.idempotency_key:
            first = self._of_key.setdefault((command.job_name, command.idempotency_key), run_id)
            assert run_id == first, f"idempotency: {command} was answered with {first} and with {run_id}"
        is_new = run_id not in self._accepted
        self._accepted.add(run_id)
        return is_new

    def check_end(self, *, turns_are_known: bool) -> None:
        """Check all runs, once all tasks have ended."""
        attempts: dict[int, dict[int, list[StatusTrace]]] = {}
        for trace in self.store.status_traces:
            if trace.attempt_end is not None:
                of_fire = attempts.setdefault(trace.attempt_end.fire_id, {})
                of_fire.setdefault(trace.sharding_item, []).append(trace)
            else:
                assert not TaskState(trace.state).is_terminal, f"runs: {trace} does not end an attempt"
        for fire in self.store.fires.values():
            of_fire = attempts.get(fire.fire_id, {})
            for traces in of_fire.values():
                self._check_attempts(traces)
            if fire.state is FireState.COMPLETED and fire.source is not FireSource.DAEMON:
                self._check_run(fire, of_fire)
            elif fire.state is FireState.DROPPED:
                assert not of_fire, f"runs: {fire} has attempts"
        self._check_keys()
        if turns_are_known:
            self._check_counts(
                trace for of_fire in attempts.values() for it in of_fire.values() for trace in it
            )

    def _check_attempts(self, traces: list[StatusTrace]) -> None:
        for trace in traces:
            assert trace.attempt_end is not None
            succeeded = self._result(trace) is _SUCCEEDED
            assert trace.attempt_end.success == succeeded, f"runs: {trace} is not what its agent did"

    def _check_run(self, fire: FireRecord, attempts: dict[int, list[StatusTrace]]) -> None:
        items = set(fire.items or range(fire.shard_total))
        assert set(attempts) == items, f"runs: {fire} ran {sorted(attempts)}"
        assert len(items) == fire.shard_total, f"runs: {fire} counts {fire.shard_total} shards"
        results = {item: self._shard_result(traces) for item, traces in attempts.items()}
        counts = Counter(results.values())
        counted = (fire.succeeded_shards, fire.failed_tasks, fire.killed_shards)
        expected = (counts[_SUCCEEDED], counts[_FAILED], counts[_KILLED])
        assert counted == expected, f"runs: {fire} counts {counted}, its agents did {expected}"
        if counts[_FAILED]:
            outcome = RunState.FAILED
        else:
            outcome = RunState.KILLED if counts[_KILLED] else RunState.SUCCEEDED
        assert fire.outcome is outcome, f"runs: {fire} should be {outcome}"
        if outcome is RunState.SUCCEEDED:
            assert not fire.summary, f"runs: {fire} has a reason to fail"
        elif outcome is RunState.KILLED:
            assert fire.summary, f"runs: {fire} has no reason"
        else:
            failed = [item for item, result in results.items() if result is _FAILED]
            reasons = {text for item in failed for text in self._reasons(fire, item, attempts[item])}
            assert fire.summary in reasons, f"runs: {fire}: its reason should be one of {sorted(reasons)}"

    def _result(self, trace: StatusTrace) -> ShardResult:
        task, state = self.store.all_tasks[trace.task_id], TaskState(trace.state)
        if not _is_schedulers_word(trace):
            said = self._said[trace.task_id]
            assert said.state is state, f"runs: {trace}, its agent said {said}"
            if state is TaskState.FINISHED:
                assert said.execution is not None
                return _SUCCEEDED if said.execution.success else _FAILED
        if task.kill_reason and state in {TaskState.KILLED, TaskState.LOST, TaskState.DROPPED}:
            return _KILLED
        return _FAILED

    def _shard_result(self, traces: list[StatusTrace]) -> ShardResult:
        last = traces[-1]
        if last.state != "TASK_DROPPED" or self.store.all_tasks[last.task_id].kill_reason:
            return self._result(last)
        # It was to be started once more when its run was stopped: its last attempt is the one before that ran.
        ran = [trace for trace in traces if trace.state != "TASK_DROPPED"]
        return self._result(ran[-1]) if ran else _KILLED

    def _reasons(self, fire: FireRecord, item: int, traces: list[StatusTrace]) -> set[str]:
        shard = f"Shard {item}: " if fire.shard_total > 1 else ""
        ran = [trace for trace in traces if trace.state != "TASK_DROPPED"] or traces
        # One that was dropped after that is a reason too: its run was stopped before the next was tried.
        whys = {
            it.message if _is_schedulers_word(it) else self._said[it.task_id].summary
            for it in (ran[-1], traces[-1])
        }
        return {f"{shard}{why}" for why in (*whys, NOT_STARTED_AGAIN)}

    def _check_keys(self) -> None:
        started: dict[tuple[str, str], list[FireRecord]] = {}
        for fire in self.store.fires.values():
            if fire.idempotency_key:
                started.setdefault((fire.job_name, fire.idempotency_key), []).append(fire)
        for key, fires in started.items():
            times = sorted(fire.recorded_ms for fire in fires)
            again = [it for it, then in zip(times[1:], times, strict=False) if it - then < _DAY_MS]
            assert not again, f"idempotency: {key} started {fires}"

    def _check_counts(self, ends: Iterable[StatusTrace]) -> None:
        runs: Counter[RunState] = Counter()
        for fire in self.store.fires.values():
            if fire.source is not FireSource.DAEMON and fire.state in {
                FireState.COMPLETED,
                FireState.DROPPED,
            }:
                runs[fire.run_state] += fire.count
        assert self.counted_runs == runs, f"metrics: {self.counted_runs} runs, recorded are {runs}"
        executions: Counter[ShardResult] = Counter()
        for trace in ends:
            assert trace.attempt_end is not None
            source = self.store.fires[trace.attempt_end.fire_id].source
            if source is not FireSource.DAEMON and trace.state != "TASK_DROPPED":
                executions[self._result(trace)] += 1
        for execution in self.store.executions:
            if execution.app_name:
                executions[_SUCCEEDED if execution.is_success else _FAILED] += 1
        counted = self.counted_executions
        assert counted == executions, f"metrics: {counted} executions, recorded are {executions}"


def _is_schedulers_word(trace: StatusTrace) -> bool:
    return trace.state == "TASK_LOST" and trace.message.startswith("Its agent ")
