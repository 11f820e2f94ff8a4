"""uvicorn with bounds: its connections are looked at each second, and garbage is collected in time."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, cast

import structlog
import uvicorn
from fastapi import FastAPI

from elasticjob_cloud.server.descriptors import RESERVED_DESCRIPTORS, connection_limit, raise_descriptor_limit
from elasticjob_cloud.server.http.connections import Connections
from elasticjob_cloud.server.http.limits import HttpLimits
from elasticjob_cloud.server.http.protocol import BoundedProtocol, DoorState
from elasticjob_cloud.server.memory import GarbageWatch

SHUTDOWN_SECONDS: Final = 5
_BACKLOG: Final = 1024
_TICKS_A_SECOND: Final = 10  # of uvicorn's
_GARBAGE_TICKS: Final = 10 * _TICKS_A_SECOND

log = structlog.get_logger(__name__)


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: they raise the signal again, before the scheduler has stopped."""

    def __init__(
        self,
        app: FastAPI,
        limits: HttpLimits | None = None,
        is_trusted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Make one.

        Args:
            app: What it serves.
            limits: What callers may have at most.
            is_trusted: Tells a trusted proxy by its address.
        """
        wanted = limits or HttpLimits()
        most = connection_limit(raise_descriptor_limit(), wanted.connections)
        if most < wanted.address_connections:
            log.warning("few file descriptors: raise the hard limit (ulimit -Hn)", connections=most)
        bounded = replace(wanted, connections=most)
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                # All of them may be accepted before the first is counted: no more than the reserve holds.
                backlog=_BACKLOG if most == wanted.connections else RESERVED_DESCRIPTORS // 2,
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                server_header=False,
                proxy_headers=False,  # `TrustedProxies` tells the caller's address
            )
        )
        self.server_state = DoorState(bounded, Connections(bounded, is_trusted))
        self._garbage = GarbageWatch()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                cast("BoundedProtocol", connection).look(now)
        if counter % _GARBAGE_TICKS == _GARBAGE_TICKS - 1:
            self._garbage.look()
        return await super().on_tick(counter)
