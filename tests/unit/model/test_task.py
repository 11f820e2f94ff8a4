"""Tasks: every cell of the table of transitions, ids that can be read back, and the page that draws the states."""

import contextlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.task import TERMINAL_STATES, TRANSITIONS, TaskId, TaskState, TaskType, may_become
from scripts.draw_states import PAGE, draw_states, redraw

_STAGING, _RUNNING = TaskState.STAGING, TaskState.RUNNING
_ENDS = {
    TaskState.FINISHED,
    TaskState.FAILED,
    TaskState.ERROR,
    TaskState.KILLED,
    TaskState.LOST,
    TaskState.DROPPED,
}
_LEGAL = (
    {(_STAGING, _RUNNING), (_RUNNING, _RUNNING)}
    | {(_STAGING, end) for end in _ENDS}
    | {(_RUNNING, end) for end in _ENDS - {TaskState.DROPPED}}
)
_PARTS = st.text(st.characters(codec="utf-8", exclude_characters="@-"), min_size=1, max_size=30)


@pytest.mark.parametrize("state,following", list(product(TaskState, TaskState)))
def test_a_task_goes_only_where_the_table_allows(state: TaskState, following: TaskState) -> None:
    assert may_become(state, following) == ((state, following) in _LEGAL)


def test_the_table_has_every_state() -> None:
    assert set(TRANSITIONS) == set(TaskState)
    assert {state for state in TaskState if state.is_terminal} == TERMINAL_STATES == _ENDS


@given(_PARTS, st.integers(0, 9_999), st.sampled_from(list(TaskType)), _PARTS, _PARTS)
def test_a_task_id_reads_back_as_it_was_written(
    job_name: str, item: int, type_: TaskType, agent_id: str, uuid: str
) -> None:
    task_id = TaskId(job_name, item, type_, agent_id, uuid)

    assert TaskId.parse(str(task_id)) == task_id
    assert str(task_id) == f"{job_name}@-@{item}@-@{type_.value}@-@{agent_id}@-@{uuid}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job",
        "job@-@0@-@READY@-@agent",
        "job@-@0@-@READY@-@agent@-@1@-@2",
        "job@-@x@-@READY@-@a@-@1",
        "job@-@0@-@OTHER@-@a@-@1",
    ],
)
def test_what_is_no_task_id_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ValueError, match="jobName@-@item@-@READY"):
        TaskId.parse(text)


@given(st.text(max_size=60))
def test_reading_a_task_id_fails_in_no_other_way(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert str(TaskId.parse(text).item) in text


def test_the_page_draws_the_table_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert redraw(page) == page, "docs/semantics.md is stale: python scripts/draw_states.py"


def test_a_drawing_has_an_arrow_for_each_legal_transition() -> None:
    drawn = draw_states(_STAGING, TRANSITIONS)

    assert all(f"    {state.value} --> {following.value}\n" in drawn for state, following in _LEGAL)
    assert drawn.count("-->") == len(_LEGAL) + 1 + len(_ENDS)
    assert "    [*] --> TASK_STAGING\n" in drawn


def test_a_page_without_markers_is_left_alone() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        redraw("# What a run means\n")
