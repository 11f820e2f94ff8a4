"""Statements that belong together: one product executes each at once, another sends them to its server together."""

from collections.abc import Sequence
from typing import Protocol

from elasticjob_cloud.store.rows import Row


class UnmetError(Exception):
    """What a batch requires is not so. Whoever began the transaction must undo it."""


class Batch(Protocol):
    """Takes statements, as texts that `Database` gives, and executes them one after another until one fails.

    Any error may come as late as at the batch's end.
    """

    def require(self, query: str, parameters: Row) -> None:
        """Let no later statement be executed, and end with `UnmetError`, unless this query gives a row."""

    def execute(self, statement: str, parameters: Row) -> None:
        """Execute a statement once."""

    def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        """Execute a statement of `Database.insert_many` or `delete_many` for all these rows, be there none or many."""
