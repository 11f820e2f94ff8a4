# ruff: noqa: INP001 - a script, not a package
"""Draw the states of a task into docs/semantics.md, from the table of transitions: python scripts/draw_states.py."""

from pathlib import Path

from elasticjob_cloud.model.task import TERMINAL_STATES, TRANSITIONS, TaskState

PAGE = Path(__file__).parents[1] / "docs" / "semantics.md"
BEGIN = "<!-- states: drawn by scripts/draw_states.py -->\n"
END = "<!-- states: end -->\n"


def draw_states() -> str:
    """Give the transitions as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {TaskState.STAGING.value}"]
    for state in TaskState:
        following = [other for other in TaskState if other in TRANSITIONS[state]]
        lines += [f"    {state.value} --> {other.value}" for other in following]
    lines += [f"    {state.value} --> [*]" for state in TaskState if state in TERMINAL_STATES]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def redraw(page: str) -> str:
    """Give a page with the diagram between its markers drawn anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"The page lacks the lines {BEGIN.strip()} and {END.strip()}."
        raise ValueError(message)
    return before + BEGIN + draw_states() + END + after


if __name__ == "__main__":
    PAGE.write_text(redraw(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
