"""Where the output of a shard goes, as far as a shard knows."""

from typing import Any, Protocol

from elasticjob_cloud.model.output.output_file import StreamName


class ShardOutput(Protocol):
    """Where the output of one shard goes."""

    limit_bytes: int

    def write(self, stream: StreamName, data: bytes) -> bool:
        """Take UTF-8; False if it is not taken here, and belongs to the process's own stream."""
        ...

    def flush(self, stream: StreamName) -> None:
        """Make what was written visible."""
        ...

    def fileno(self, stream: StreamName) -> int | None:
        """Return the descriptor of its file, for processes that the shard starts; None if there is no file."""
        ...

    def renew(self) -> None:
        """Go on in a forked child: without locks that threads of the parent hold, and without its unwritten bytes."""
        ...

    def close(self) -> None:
        """Write what is left and take nothing more."""
        ...


class StreamPair(Protocol):
    """What `sys.stdout` and `sys.stderr` are for one shard."""

    def find(self, name: StreamName) -> Any:
        """Return the stream."""
        ...

    def replace(self, name: StreamName, stream: object) -> None:
        """Put another stream in its place."""
        ...

    def flush(self) -> None:
        """Write everything that is held back."""
        ...

    def renew(self) -> None:
        """Go on in a forked child."""
        ...
