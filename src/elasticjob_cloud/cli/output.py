"""What commands print: tables for people and JSON for machines to stdout, messages to stderr."""

import datetime as dt
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

# Rich is imported where something is drawn: it takes a third of the time of `--help`, which needs none of it.
if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_UNBOUNDED_WIDTH = 10_000
_MAXIMUM_EPOCH_MS = 253_402_300_799_000  # the end of year 9999, where datetime ends
_STYLES = {
    "disabled": "yellow",
    "running": "green",
    "enabled": "green",
    "yes": "green",
    "no": "red",
    "leader": "green",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "KILLED": "yellow",
    "DROPPED": "yellow",
    "waiting": "yellow",
    "TASK_RUNNING": "green",
    "TASK_FINISHED": "green",
    "TASK_FAILED": "red",
    "TASK_ERROR": "red",
    "TASK_LOST": "red",
    "TASK_DROPPED": "yellow",
    "TASK_KILLED": "yellow",
    "WAITING": "yellow",
    "RUNNING": "green",
}


class Failure(str):
    """Why something failed: red in a table on a terminal."""

    __slots__ = ()


def console_for(stream: TextIO) -> "Console":
    """Make a console for this stream: as wide as the terminal, or, in a pipe, as wide as the rows are."""
    from rich.console import Console  # noqa: PLC0415 - see above

    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(file=stream, width=_UNBOUNDED_WIDTH if piped else None, highlight=False)


def print_json(value: object) -> None:
    """Print a value as JSON, and nothing else, to stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_table(
    titles: Sequence[str], rows: Iterable[Sequence[object]], *, folded: Sequence[str] = ()
) -> None:
    """Print rows under titles. Where they are wider than the terminal, the `folded` columns are broken over lines."""
    from rich.table import Table  # noqa: PLC0415 - see above

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(
            title, overflow="fold" if title in folded else "ellipsis", no_wrap=title not in folded
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console_for(sys.stdout).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print one thing, a line for each of its fields."""
    from rich.table import Table  # noqa: PLC0415 - see above

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        for key, part in value.items() if isinstance(value, dict) else ((None, value),):
            table.add_row(name if key is None else f"{name}.{key}", _cell(part))
    console_for(sys.stdout).print(table)


def say(message: str) -> None:
    """Tell the person at the terminal something, on stderr."""
    sys.stderr.write(printable(message) + "\n")


def say_error(message: str) -> None:
    """Tell what went wrong, a line for each fault, on stderr."""
    from rich.text import Text  # noqa: PLC0415 - see above

    console = console_for(sys.stderr)
    for line in message.splitlines():
        console.print(Text("Error: ", style="bold red") + Text(printable(line)), soft_wrap=True)


def say_failure(message: str) -> None:
    """Tell on stderr why something failed, in red on a terminal."""
    from rich.text import Text  # noqa: PLC0415 - see above

    console_for(sys.stderr).print(Text(printable(message), style="red"), soft_wrap=True)


def say_json_error(message: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
    """Tell a program what went wrong, in one line on stderr, in the API's form of errors."""
    error = {"message": message, **({"errors": list(errors)} if errors else {})}
    sys.stderr.write(json.dumps(error, ensure_ascii=False) + "\n")


def printable(text: str) -> str:
    """Replace what would move a terminal's cursor or change its colours."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd" for character in text
    )


def local_time(value: object) -> str:
    """Show a time of the API in this machine's zone; as it is if it is none."""
    moment = _moment(value)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else str(value or "")


def seconds_between(start: object, end: object) -> str:
    """Show how long something took, in seconds; nothing while one of the times is missing."""
    first, last = _moment(start), _moment(end)
    return f"{(last - first).total_seconds():.3f}" if first and last else ""


def _moment(value: object) -> dt.datetime | None:
    """Read a time of the API: ISO 8601, or epoch milliseconds."""
    try:
        if isinstance(value, int | float):
            return dt.datetime.fromtimestamp(value / 1000, dt.UTC) if 0 < value <= _MAXIMUM_EPOCH_MS else None
        # A time without a zone is this machine's, as fromisoformat and astimezone have it.
        return dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC) if value else None
    except (ValueError, OverflowError):
        return None


def yes_no(value: object) -> str:
    """Show a truth as a word."""
    return "yes" if value else "no"


def number(value: Any) -> str:
    """Show a number without the `.0` of whole ones."""
    return f"{value:g}" if isinstance(value, float) else str("" if value is None else value)


def _cell(value: object) -> "Text":
    from rich.text import Text  # noqa: PLC0415 - see above

    text = yes_no(value) if isinstance(value, bool) else number(value)
    style = "red" if isinstance(value, Failure) else _STYLES.get(text, "")
    return Text(printable(text).replace("\n", " "), style=style)


def write_raw(text: str) -> None:
    """Write a task's own output to stdout as it came, at once."""
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()
