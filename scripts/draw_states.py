# ruff: noqa: INP001 - a script, not a package
"""Draw tables of transitions into the pages of docs: python scripts/draw_states.py."""

from dataclasses import dataclass
from pathlib import Path

from elasticjob_cloud.model.task import TERMINAL_STATES, TRANSITIONS, TaskState
from elasticjob_cloud.service.leadership import phases
from elasticjob_cloud.service.leadership.phases import LeaderPhase

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Drawing:
    """A table in a page, between two markers."""

    page: Path
    subject: str
    arrows: tuple[str, ...]

    def draw(self) -> str:
        """Give the table as a Mermaid state diagram."""
        lines = ("stateDiagram-v2", *(f"    {arrow}" for arrow in self.arrows))
        return "```mermaid\n" + "\n".join(lines) + "\n```\n"

    def redraw(self, page: str) -> str:
        """Give the text of a page with the diagram between its markers drawn again.

        Raises:
            ValueError: the page lacks the markers.
        """
        begin_mark = f"<!-- {self.subject}: drawn by scripts/draw_states.py -->\n"
        end_mark = f"<!-- {self.subject}: end -->\n"
        before, begin, rest = page.partition(begin_mark)
        _, end, after = rest.partition(end_mark)
        if not begin or not end:
            message = f"The page lacks the lines {begin_mark.strip()} and {end_mark.strip()}."
            raise ValueError(message)
        return before + begin + self.draw() + end + after


def _arrows_of_tasks() -> tuple[str, ...]:
    return (
        f"[*] --> {TaskState.STAGING.value}",
        *(
            f"{state.value} --> {following.value}"
            for state in TaskState
            for following in TaskState
            if following in TRANSITIONS[state]
        ),
        *(f"{state.value} --> [*]" for state in TaskState if state in TERMINAL_STATES),
    )


def _arrows_of_leaders() -> tuple[str, ...]:
    return (
        f"[*] --> {_name(LeaderPhase.STANDING_BY)}",
        *(
            f"{_name(phase)} --> {_name(following)}: {cause}"
            for phase, causes in phases.TRANSITIONS.items()
            for following, cause in causes.items()
        ),
        f"{_name(LeaderPhase.STOPPED)} --> [*]",
    )


def _name(phase: LeaderPhase) -> str:
    return phase.replace(" ", "_")  # Mermaid's names have no blanks


TASK_STATES = Drawing(DOCS / "semantics.md", "states", _arrows_of_tasks())
LEADER_PHASES = Drawing(DOCS / "architecture.md", "phases of a leader", _arrows_of_leaders())


if __name__ == "__main__":
    for drawing in (TASK_STATES, LEADER_PHASES):
        text = drawing.page.read_text(encoding="utf-8")
        drawing.page.write_text(drawing.redraw(text), encoding="utf-8")
