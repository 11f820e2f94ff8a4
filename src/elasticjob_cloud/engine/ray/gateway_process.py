"""Runs the gateway beside the scheduler, and starts it again whenever it ends or says nothing any more."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from elasticjob_cloud.agent.process.start.environment import without_ours
from elasticjob_cloud.agent.scheduler_link.frames import FrameProtocol
from elasticjob_cloud.engine.agent_process import send_settings
from elasticjob_cloud.engine.ray.frames import (
    Beat,
    FromGateway,
    GatewaySettings,
    Ready,
    ToGateway,
    Trouble,
    decode_from_gateway,
)
from elasticjob_cloud.engine.ray.gateway_log import keep_log

_log = structlog.get_logger(__name__)
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_START_SECONDS = 60.0  # until its first word: it imports Ray before
_SILENCE_SECONDS = 4.0  # replaced before the agents, which hear nothing either, reach their fence
_END_SECONDS = 3.0


class GatewayProcess:
    """One gateway after another.

    Args:
        settings: What they are started with.
        take: Gets what a gateway says.
        lost: Called when one has ended: whatever was on its way may be lost.
        log_file: Where what they print is kept, within limits; None: with what this process prints.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        take: Callable[[FromGateway], None],
        lost: Callable[[], None],
        log_file: Path | None = None,
    ) -> None:
        self._settings = settings
        self._take = take
        self._lost = lost
        self._log_file = log_file
        self._protocol: FrameProtocol | None = None
        self._closed = asyncio.Event()
        self._heard_at = 0.0
        self._patience_seconds = _START_SECONDS
        self._is_ready = False
        self._has_complained = False
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep a gateway running."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run(), name="ray gateway")

    def send(self, frame: ToGateway) -> None:
        """Send a message; without a gateway it is lost."""
        if self._protocol is not None:
            self._protocol.send(frame)

    async def stop(self) -> None:
        """End the gateway. What is Ray's stays: relays with their agents, and leases."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            self._is_ready = False
            self._has_complained = False
            try:
                await self._run_one()
            except Exception as error:  # noqa: BLE001 - no process, descriptor or thread may be left for a while
                self._has_complained = True
                self._take(Trouble(f"The gateway to Ray cannot be started: {error}"))
            if self._is_ready:
                _log.warning("The gateway to Ray has ended; starting it again.")
                retry_seconds = _FIRST_RETRY_SECONDS
            elif not self._has_complained:
                self._take(Trouble("The gateway to Ray ended before it had joined a cluster; see its log."))
            await asyncio.sleep(retry_seconds)
            retry_seconds = min(2 * retry_seconds, _LAST_RETRY_SECONDS)

    async def _run_one(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            # In no thread, though it takes a few milliseconds: one that is cancelled could not be ended.
            process = _spawn(self._settings, theirs.fileno(), self._log_file)
            theirs.close()
            try:
                self._closed = closed = asyncio.Event()
                protocol = FrameProtocol(self._received, lambda _: closed.set())
                await loop.create_connection(lambda: protocol, sock=ours)
                self._protocol = protocol
                await self._watch()
            finally:
                if self._protocol is not None:
                    self._protocol.abort()
                    self._protocol = None
                self._lost()
                # Not waited for: who stops wants to hand over, not to bury.
                loop.run_in_executor(None, _end, process)

    def _received(self, _: FrameProtocol, content: bytes) -> None:
        frame = decode_from_gateway(content)
        self._heard_at = asyncio.get_running_loop().time()
        self._patience_seconds = _SILENCE_SECONDS
        match frame:
            case Beat():
                return
            case Ready():
                self._is_ready = True
            case Trouble():
                self._has_complained = True
            case _:
                pass
        self._take(frame)

    async def _watch(self) -> None:
        """Return when the gateway has hung up, or stands still."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._patience_seconds = _START_SECONDS
        while not self._closed.is_set():
            looked_at = loop.time()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._closed.wait()
            except TimeoutError:
                if loop.time() - looked_at > 2 * _LOOK_SECONDS:
                    self._heard_at = loop.time()  # it was this process that stood still
                elif loop.time() - self._heard_at > self._patience_seconds:
                    _log.error("The gateway to Ray says nothing any more; it is replaced.")
                    return


def _spawn(settings: GatewaySettings, descriptor: int, log_file: Path | None) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "elasticjob_cloud.engine.ray.gateway", "--socket", str(descriptor)]
    # A session of its own: Ctrl-C is meant for the scheduler, which ends it in its time.
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=None if log_file is None else subprocess.PIPE,
        env={**without_ours(os.environ), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"},
        pass_fds=[descriptor],
        start_new_session=True,
    )
    send_settings(process, msgspec.json.encode(settings))
    if log_file is not None and process.stderr is not None:
        keep_log(process.stderr, log_file)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
