"""Why an expression was refused."""

from __future__ import annotations

_LONGEST_QUOTE = 40


class InvalidCronError(ValueError):
    """An expression that is not a Quartz cron expression, or that only Quartz's parser lets pass by accident.

    Attributes:
        field: The field at fault: ``seconds``, ``minutes``, ``hours``, ``day of month``, ``month``,
            ``day of week`` or ``year``; ``expression`` when it is none of them alone.
        problem: What is wrong there and what to write instead, without the name of the field.
    """

    def __init__(self, field: str, problem: str) -> None:
        """Keep both parts as ``args``, so that the error survives pickling."""
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        """Return a full sentence that names the field."""
        if self.field == "expression":
            return f"The cron expression {self.problem}."
        return f"The {self.field} field {self.problem}."


def quoted(text: str) -> str:
    """Quote a piece of the expression for a message.

    The piece comes from outside: ASCII escapes keep NUL and lone surrogates (which no UTF-8 log or
    response can hold) out of the message, and the cut keeps the message short.
    """
    return ascii(text) if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]!a}..."
