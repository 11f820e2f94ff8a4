"""What is told of one execution of a script: how it ended, in one line and in detail."""

from elasticjob_cloud.agent.process.child import ChildProcess
from elasticjob_cloud.agent.reporting.ending import Ending
from elasticjob_cloud.agent.reporting.last_words import LastWords
from elasticjob_cloud.model.messages import Execution
from elasticjob_cloud.model.task import TaskState


def execution_of(child: ChildProcess, ending: Ending) -> Execution:
    """Describe the execution of a process that is gone."""
    exit_code = child.exit_code if child.exit_code >= 0 else None
    signal = max(0, -child.exit_code)
    if ending.state is TaskState.FINISHED:
        return Execution(child.started_ms, child.ended_ms, success=True, exit_code=exit_code, signal=signal)
    # A kill is no failure of the script's: what it printed last says nothing of the reason.
    last_words = LastWords() if ending.state is TaskState.KILLED else LastWords.of_process(child.outputs)
    return Execution(
        child.started_ms,
        child.ended_ms,
        success=False,
        failure_cause=last_words.detail(with_notes(ending.message, child)),
        summary=last_words.summary(ending.words or ending.message),
        exit_code=exit_code,
        signal=signal,
    )


def failed_start(message: str, now_ms: int) -> Execution:
    """Describe an execution that came to no process."""
    summary = LastWords().summary(message)
    return Execution(now_ms, now_ms, success=False, failure_cause=message, summary=summary)


def with_notes(message: str, child: ChildProcess) -> str:
    """Add what became of the output, where it could not be kept."""
    notes = [f"Note: {output.failure}." for output in child.outputs if output.failure]
    return " ".join(part for part in (message, *notes) if part)
