"""Printing what shards print, as it comes."""

from elasticjob_cloud.cli.output import say, write_raw
from elasticjob_cloud.cli.shard_log import ShardLog
from elasticjob_cloud.model.errors import NotFoundError


class ShardPrinter:
    """Prints a shard's output, whole lines at a time where there are other shards."""

    def __init__(self, log: ShardLog, prefix: str = "") -> None:
        self._log = log
        self._prefix = prefix
        self._half_line = ""
        self._is_missing = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._log.is_over or self._is_missing

    def print_present(self, *, patient: bool, may_begin: bool = False) -> None:
        """Print what is there and was not printed yet. `may_begin`: a shard without output may still print some."""
        try:
            for text in self._log.read_present(patient=patient):
                self._print(text)
        except NotFoundError as error:
            if may_begin:
                return
            self._is_missing = True
            say(f"{self._prefix}{error}")

    def finish(self) -> None:
        """Print what was no whole line, and tell what is not."""
        if self._half_line:
            write_raw(f"{self._prefix}{self._half_line}\n")
            self._half_line = ""
        if self._log.is_truncated:
            say(
                f"{self._prefix}The output is not whole: a part of it could not be kept, or is beyond output_limit_bytes."
            )

    def _print(self, text: str) -> None:
        if not self._prefix:
            write_raw(text)
            return
        *lines, self._half_line = (self._half_line + text).split("\n")
        write_raw("".join(f"{self._prefix}{line}\n" for line in lines))
