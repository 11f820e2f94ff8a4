"""The table of faults, as `docs/high-availability.md` has it."""

from collections.abc import Sequence

from tests.chaos.trial import Outcome


def markdown_table(outcomes: Sequence[Outcome]) -> str:
    """Give a row for each fault, in the order in which they were injected."""
    head = [
        "fault",
        "where",
        "another leads",
        "tasks lost",
        "fires late",
        "on time again after",
        "promises broken",
    ]
    rows = [
        [
            outcome.fault,
            outcome.target,
            f"after {outcome.led_after_seconds:.1f} s" if outcome.led_after_seconds else "no",
            str(outcome.lost_tasks),
            str(outcome.late_fires),
            f"{outcome.on_time_after_seconds:.0f} s",
            str(len(outcome.problems)) if outcome.problems else "none",
        ]
        for outcome in outcomes
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
