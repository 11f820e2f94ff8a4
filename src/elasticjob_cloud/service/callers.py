"""Who waits for the loop: a command for its commit, a query for the end of a turn."""

import asyncio
import itertools
from collections.abc import Collection, Mapping

from elasticjob_cloud.model.errors import BugError, ElasticJobError, NotLeadingError, UnavailableError

_COMMANDS_WAITING = 10_000
_TOO_MANY_COMMANDS = f"{_COMMANDS_WAITING:,} commands wait for the scheduler; try again in a moment."
_NOT_LEADING = "This scheduler leads no more, or is starting again; try again in a moment."


class Callers:
    """The callers of one loop. Each gets one answer at the latest when the loop ends."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._commands: dict[int, asyncio.Future[int | None]] = {}
        self._queries: list[asyncio.Future[None]] = []

    def add_command(self) -> tuple[int, asyncio.Future[int | None]]:
        """Give a number for a command, and what its caller waits for.

        Raises:
            UnavailableError: too many commands wait already.
        """
        if len(self._commands) >= _COMMANDS_WAITING:
            raise UnavailableError(_TOO_MANY_COMMANDS, retry_after_seconds=5)
        number = next(self._numbers)
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._commands[number] = answer
        return number, answer

    async def turn_end(self) -> None:
        """Wait until what the core knows is committed."""
        end = asyncio.get_running_loop().create_future()
        self._queries.append(end)
        await end

    def answer_commands(
        self, outcomes: Mapping[int, ElasticJobError | None], run_ids: Mapping[int, int]
    ) -> None:
        """Tell those whose command was carried out, or refused. `run_ids`: the runs that commands started."""
        for number, error in outcomes.items():
            answer = self._commands.pop(number)
            if answer.done():
                continue  # the caller went away
            if error is None:
                answer.set_result(run_ids.get(number))
            else:
                answer.set_exception(error)

    def answer_queries(self) -> None:
        """The turn has ended."""
        queries, self._queries = self._queries, []
        for end in queries:
            if not end.done():
                end.set_result(None)

    def fail_all(self, failure: ElasticJobError, untouched: Collection[int]) -> None:
        """Tell the turn's callers what became of it.

        All others can ask the next leader, for nothing was done for them: those of the commands `untouched`, by number,
        and queries.
        """
        refused = not_leading()
        for number, answer in self._commands.items():
            if not answer.done():
                answer.set_exception(refused if number in untouched else failure)
        for end in self._queries:
            if not end.done():
                end.set_exception(failure if isinstance(failure, BugError) else refused)
        self._commands.clear()
        self._queries.clear()


def not_leading() -> NotLeadingError:
    """Give what a caller hears of a loop that has ended."""
    return NotLeadingError(_NOT_LEADING)
