"""Runs the gateway beside the scheduler, and starts it again whenever it ends."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import msgspec
import structlog

from elasticjob_cloud.agent.frames import FrameProtocol
from elasticjob_cloud.engine.ray.frames import FromGateway, GatewaySettings, ToGateway, decode_from_gateway

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0
_END_SECONDS = 3.0


class GatewayProcess:
    """One gateway after another.

    `take` gets what a gateway says; `lost` is called when one has ended: whatever was on its way may be lost.
    """

    def __init__(
        self, settings: GatewaySettings, take: Callable[[FromGateway], None], lost: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._take = take
        self._lost = lost
        self._protocol: FrameProtocol | None = None
        self._closed = asyncio.Event()
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
        while True:
            process = None
            try:
                process = await self._open()
                await self._closed.wait()
                _log.warning("The gateway to Ray has ended; starting it again.")
            except OSError as error:
                _log.warning("The gateway to Ray could not be started.", error=str(error))
            finally:
                if self._protocol is not None:
                    self._protocol.abort()
                    self._protocol = None
                if process is not None:
                    # Not waited for: who stops wants to hand over, not to bury.
                    asyncio.get_running_loop().run_in_executor(None, _end, process)
                self._lost()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _open(self) -> subprocess.Popen[bytes]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.to_thread(_spawn, self._settings, theirs.fileno())
        self._closed = closed = asyncio.Event()
        protocol = FrameProtocol(
            lambda _, content: self._take(decode_from_gateway(content)), lambda _: closed.set()
        )
        await asyncio.get_running_loop().create_connection(lambda: protocol, sock=ours)
        self._protocol = protocol
        return process


def _spawn(settings: GatewaySettings, descriptor: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "elasticjob_cloud.engine.ray.gateway", "--socket", str(descriptor)]
    arguments += ["--settings", msgspec.json.encode(settings).decode()]
    # A session of its own: Ctrl-C is meant for the scheduler, which ends it in its time.
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"},
        pass_fds=[descriptor],
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
