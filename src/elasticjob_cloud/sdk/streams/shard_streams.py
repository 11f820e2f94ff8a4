"""What `sys.stdout` and `sys.stderr` are: each shard has its own, and may replace it.

`sys.stdout` is looked up for each shard, by a property of the module `sys`. `print` and the interpreter itself look into the
dictionary of the module instead: there they find a `Router`, which leads to the same stream.
"""

import importlib
import sys
from types import ModuleType
from typing import Any, TextIO

from elasticjob_cloud.model.output.output_file import STREAMS, StreamName
from elasticjob_cloud.sdk.shards.output import StreamPair
from elasticjob_cloud.sdk.shards.shard import Shard, current_shard
from elasticjob_cloud.sdk.streams.routed import (
    CommonBuffer,
    OwnStream,
    RoutedBuffer,
    RoutedRaw,
    flush_quietly,
    hold_nothing_back,
)


class Routing:
    """Which streams a process and its shards have. At most one is active."""

    active: "Routing | None" = None

    def __init__(self, *, is_lasting: bool) -> None:
        self.is_lasting = is_lasting
        self.own: dict[StreamName, OwnStream] = {}
        # What `sys.stdout` is outside of shards. Shards have it too if job code put it there before they began.
        self.common: dict[StreamName, Any] = {}
        self._is_chosen: set[StreamName] = set()
        # Below streams that were there before the first shard.
        self._buffers: list[CommonBuffer] = []

    def add(self, own: OwnStream, common: object, *, is_chosen: bool = False) -> None:
        """Lead one of the two streams."""
        self.own[own.name] = own
        self.common[own.name] = common
        if is_chosen:
            self._is_chosen.add(own.name)

    def watch(self, buffer: CommonBuffer) -> None:
        """Look after a buffer that all shards write through."""
        self._buffers.append(buffer)

    def flush(self) -> None:
        """Write what streams of all shards hold back; in the current shard's name."""
        for name in self._is_chosen:
            flush_quietly(self.common[name])
        for buffer in self._buffers:
            buffer.flush()

    def renew(self) -> None:
        """Go on in a forked child."""
        for buffer in self._buffers:
            buffer.renew()
        for own in self.own.values():
            own.renew()

    def find(self, name: StreamName) -> Any:
        """Return what `sys.stdout` is here and now."""
        shard = current_shard.get()
        return self.common[name] if shard is None else self._streams(shard).find(name)

    def replace(self, name: StreamName, stream: object) -> None:
        """Set what `sys.stdout` is here; the `Router` in its place stands for what it was at first."""
        shard = current_shard.get()
        if shard is not None:
            self._streams(shard).replace(name, stream)
        elif not isinstance(stream, Router):
            hold_nothing_back(stream)
            self.common[name] = stream
            self._is_chosen.add(name)

    def chosen(self, name: StreamName) -> Any:
        """Return the stream that job code chose for all shards, or None."""
        return self.common[name] if name in self._is_chosen else None

    def _streams(self, shard: Shard) -> StreamPair:
        streams = shard.streams
        if streams is None:
            streams = shard.streams = ShardStreams(self, shard)
        return streams


class ShardStreams:
    """The streams of one shard, made when it asks for them first."""

    def __init__(self, routing: Routing, shard: Shard) -> None:
        self._routing = routing
        self._shard = shard
        self._buffers: dict[StreamName, RoutedBuffer] = {}
        self._first: dict[StreamName, TextIO] = {}
        self._replaced: dict[StreamName, Any] = {}

    def find(self, name: StreamName) -> Any:
        if name in self._replaced:
            return self._replaced[name]
        chosen = self._routing.chosen(name)
        if chosen is not None:
            return chosen
        text = self._first.get(name)
        if text is None:
            buffer = self._buffers[name] = RoutedBuffer(RoutedRaw(self._routing.own[name], self._shard))
            text = self._first[name] = buffer.make_text()
        return text

    def replace(self, name: StreamName, stream: object) -> None:
        if isinstance(stream, Router):
            self._replaced.pop(name, None)
            return
        hold_nothing_back(stream)
        self._replaced[name] = stream

    def flush(self) -> None:
        """Have everything written that is held back, in streams that job code has made too."""
        for stream in (*self._replaced.values(), *self._first.values()):
            flush_quietly(stream)
        for buffer in self._buffers.values():
            for wrapper in buffer.find_wrappers():
                hold_nothing_back(wrapper)
            flush_quietly(buffer)

    def renew(self) -> None:
        for buffer in self._buffers.values():
            buffer.renew()


class Router:
    """Stands in the dictionary of `sys`, for `print` and the interpreter: leads to the stream of the moment."""

    def __init__(self, name: StreamName) -> None:
        self._router_name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(_find(self._router_name), attribute)

    def write(self, text: str) -> Any:
        if self._print(text):
            return len(text)
        stream = _find(self._router_name)
        return len(text) if stream is None else stream.write(text)

    def _print(self, text: str) -> bool:
        """Take the short way, for a shard that merely prints: it needs no streams of its own."""
        shard, routing, name = current_shard.get(), Routing.active, self._router_name
        if shard is None or shard.streams is not None or routing is None or routing.chosen(name) is not None:
            return False
        return shard.output.write(name, text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        stream = _find(self._router_name)
        if stream is not None:
            stream.flush()


def _find(name: StreamName) -> Any:
    routing = Routing.active
    return getattr(sys, f"__{name}__") if routing is None else routing.find(name)


def _stream_property(name: StreamName) -> property:
    def find(_module: ModuleType) -> Any:
        return _find(name)

    def replace(_module: ModuleType, stream: object) -> None:
        if Routing.active is not None:
            Routing.active.replace(name, stream)

    def delete(module: ModuleType) -> None:
        replace(module, None)

    return property(find, replace, delete)


class _RoutedSys(ModuleType):
    """The module `sys` while streams are routed."""

    stdout = _stream_property("stdout")
    stderr = _stream_property("stderr")

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        return importlib.import_module, ("sys",)  # by name, as every module

    if sys.version_info >= (3, 13):

        def __getattribute__(self, name: str) -> Any:
            # Without it the interpreter may take a class of ours for a plain module, and look past its properties.
            return super().__getattribute__(name)


def activate(routing: Routing) -> None:
    """Have `sys.stdout` and `sys.stderr` of this process led by a routing."""
    Routing.active = routing
    for name in STREAMS:
        vars(sys)[name] = Router(name)
    sys.__class__ = _RoutedSys


def deactivate(streams: dict[StreamName, object], before: Routing | None) -> None:
    """Put streams back in their places."""
    Routing.active = before
    if before is None:
        sys.__class__ = ModuleType
    for name, stream in streams.items():
        vars(sys)[name] = stream


def flush_streams(shard: Shard) -> None:
    """Write what a shard's streams hold back: before its output is closed, and before its process forks."""
    if shard.streams is not None:
        shard.streams.flush()
    if Routing.active is not None:
        Routing.active.flush()


def finish_streams(shard: Shard) -> None:
    """Flush at the end of a shard, and take back what holds a descriptor of its output."""
    flush_streams(shard)
    routing, faulthandler = Routing.active, sys.modules.get("faulthandler")
    if faulthandler is not None and routing is not None and routing.is_lasting and faulthandler.is_enabled():
        # It keeps a number, which may belong to another file soon.
        faulthandler.enable(routing.own["stderr"])


def renew_streams(shard: Shard | None) -> None:
    """Have the streams work in a forked child: without locks of threads that it does not have."""
    if shard is not None and shard.streams is not None:
        shard.streams.renew()
    if Routing.active is not None:
        Routing.active.renew()
