# ruff: noqa: INP001 - a script, not a package
"""Draw the tables of transitions into the pages of docs: python scripts/draw_states.py."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from elasticjob_cloud.model import fire, task
from elasticjob_cloud.service.leadership.phases import CAUSES, LeaderPhase

S = TypeVar("S", bound=StrEnum)
_DOCS = Path(__file__).parents[1] / "docs"
PAGE = _DOCS / "semantics.md"
LEADER_PAGE = _DOCS / "architecture.md"


def draw_states(first: S, transitions: Mapping[S, Collection[S]]) -> str:
    """Give a table of transitions, of which one state is the first, as a Mermaid state diagram."""
    states = list(type(first))
    lines = ["stateDiagram-v2", f"    [*] --> {first.value}"]
    for state in states:
        lines += [f"    {state.value} --> {other.value}" for other in states if other in transitions[state]]
    lines += [f"    {state.value} --> [*]" for state in states if not transitions[state]]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def draw_leader() -> str:
    """Give the phases of a leader, with what leads from one to another, as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {LeaderPhase.STANDING_BY.value}"]
    lines += [
        f"    {phase.value} --> {following.value}: {cause}"
        for phase, causes in CAUSES.items()
        for following, cause in causes.items()
    ]
    lines += [f"    {phase.value} --> [*]" for phase, causes in CAUSES.items() if not causes]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def redraw_leader(page: str) -> str:
    """Give a page with the diagram of a leader between its markers drawn again."""
    return _replace(page, "phases of a leader", draw_leader())


def redraw(page: str) -> str:
    """Give a page with the diagrams between their markers drawn again."""
    page = _replace(page, "task states", draw_states(task.TaskState.STAGING, task.TRANSITIONS))
    return _replace(page, "fire states", draw_states(fire.FireState.WAITING, fire.TRANSITIONS))


def _replace(page: str, name: str, drawing: str) -> str:
    begin, end = f"<!-- {name}: drawn by scripts/draw_states.py -->\n", f"<!-- {name}: end -->\n"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        message = f"The page lacks the lines {begin.strip()} and {end.strip()}."
        raise ValueError(message)
    return before + begin + drawing + end + after


if __name__ == "__main__":
    PAGE.write_text(redraw(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    LEADER_PAGE.write_text(redraw_leader(LEADER_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
