"""What executors may say."""

import pytest

from elasticjob_cloud.agent.executors.lines import (
    ProtocolError,
    RegisterLine,
    StatusesLine,
    parse_line,
)
from elasticjob_cloud.model.task import TaskState


def test_known_lines_are_read_and_fields_of_later_versions_ignored() -> None:
    line = parse_line(b'{"type":"register","token":"x","protocol":2,"pid":7,"colour":"red"}')
    assert line == RegisterLine(token="x", protocol=2, pid=7)
    statuses = parse_line(b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_FINISHED","new":1}]}')
    assert isinstance(statuses, StatusesLine)
    assert (statuses.statuses[0].task_id, statuses.statuses[0].state) == ("t", TaskState.FINISHED)


def test_line_of_an_unknown_type_is_ignored() -> None:
    assert parse_line(b'{"type":"unheard-of","statuses":5}') is None


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[]",
        b"{}",
        b'{"type":5}',
        b'{"type":"register"}',
        b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_ASLEEP"}]}',
        b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_FINISHED","startTime":1795390000000000000}]}',
        b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_FINISHED","startTime":-1}]}',
        b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_FINISHED","completeTime":1%s}]}'
        % (b"0" * 30),
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_malformed_line_is_refused_and_shown_in_short(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="not of the executor protocol") as caught:
        parse_line(line)
    assert len(str(caught.value)) < 1000


def test_cause_longer_than_anybody_reads_is_cut_before_it_waits_for_the_scheduler() -> None:
    cause = "x" * 1_000_000 + "the reason"
    line = f'{{"type":"statuses","statuses":[{{"taskId":"t","state":"TASK_FINISHED","success":false,"failureCause":"{cause}"}}]}}'
    statuses = parse_line(line.encode())
    assert isinstance(statuses, StatusesLine)
    execution = statuses.statuses[0].execution()
    assert execution is not None
    assert 15_000 < len(execution.failure_cause) <= 16_000
    assert execution.failure_cause.endswith("the reason")


def test_summary_of_an_executor_is_made_one_plain_short_line_without_secrets() -> None:
    told = (
        b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_FINISHED","success":false,"failureCause":"cause",'
        b'"failureSummary":"Denied:\\n \\u001b[31mpassword=hunter2x\\u001b[0m %s"}]}' % (b"x" * 100_000)
    )
    statuses = parse_line(told)
    assert isinstance(statuses, StatusesLine)
    execution = statuses.statuses[0].execution()
    assert execution is not None
    assert execution.summary.startswith("Denied: password=*** xxx")
    assert len(execution.summary) <= 500
    assert execution.failure_cause == "cause"


def test_execution_that_succeeded_has_no_reason_whatever_its_executor_says() -> None:
    statuses = parse_line(
        b'{"type":"statuses","statuses":[{"taskId":"t","state":"TASK_FINISHED","success":true,"failureSummary":"x"}]}'
    )
    assert isinstance(statuses, StatusesLine)
    execution = statuses.statuses[0].execution()
    assert execution is not None
    assert (execution.success, execution.summary, execution.failure_cause) == (True, "", "")
