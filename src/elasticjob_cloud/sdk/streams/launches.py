"""Programs that a shard starts print where the shard prints, unless they are told otherwise.

They inherit file descriptors 1 and 2, which belong to the whole executor. `subprocess` and the method `spawn` of
`multiprocessing` start programs by one function, which takes the descriptors that the program shall have in their place.
"""

import importlib
import os
import sys
from typing import Any

from elasticjob_cloud.model.output.output_file import STREAMS
from elasticjob_cloud.sdk.descriptors import identify
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard

# Where `fork_exec` has them, in all of 3.11 to 3.14.
_PLACES = tuple(zip(STREAMS, (1, 2), (9, 11), strict=True))
_at_first = {descriptor: identify(descriptor) for descriptor in (1, 2)}
# They serve all shards, and live longer than the one that happens to need them first.
_HELPERS = (b"from multiprocessing.resource_tracker import", b"from multiprocessing.forkserver import")


def lead_launches() -> None:
    """Have the programs that shards start print to their outputs. A second call changes nothing."""
    import _posixsubprocess  # noqa: PLC0415 - for POSIX alone

    fork_exec: Any = _posixsubprocess.fork_exec
    if getattr(fork_exec, "is_led", False):
        return

    def lead(arguments: Any, *others: Any) -> Any:
        shard = current_shard.get()
        if shard is not None and not _is_helper(arguments):
            others = _lead_output(shard, others)
        return fork_exec(arguments, *others)

    lead.is_led = True  # type: ignore[attr-defined]
    module: Any = _posixsubprocess
    module.fork_exec = lead
    if sys.version_info >= (3, 13):
        importlib.import_module("subprocess")
    subprocess: Any = sys.modules.get("subprocess")
    if subprocess is not None:
        # The documented switch: from 3.13 on `posix_spawn` would start most programs, past `fork_exec`.
        subprocess._USE_POSIX_SPAWN = False  # noqa: SLF001 - as its documentation says
        subprocess._fork_exec = lead  # noqa: SLF001 - it has taken its own reference


def lead_descriptors(shard: Shard) -> None:
    """Have C code, and programs that a forked child starts, write to its shard's output: it works for that alone."""
    for name, descriptor, _ in _PLACES:
        file = _file_for(shard, name, descriptor)
        if file is not None:
            os.dup2(file, descriptor)


def _lead_output(shard: Shard, others: tuple[Any, ...]) -> tuple[Any, ...]:
    led = list(others)
    for name, descriptor, place in _PLACES:
        if led[place - 1] == -1:  # as it is here
            file = _file_for(shard, name, descriptor)
            if file is not None:
                led[place - 1] = file
    return tuple(led)


def _file_for(shard: Shard, name: Any, descriptor: int) -> int | None:
    # Where job code has put another file, that is what it wants.
    is_ours = identify(descriptor) == _at_first[descriptor]
    return shard.output.fileno(name) if is_ours else None


def _is_helper(arguments: Any) -> bool:
    return any(os.fsencode(argument).startswith(_HELPERS) for argument in arguments)
