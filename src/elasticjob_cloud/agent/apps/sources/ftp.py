"""Apps from ftp servers: the standard library's client, in a thread."""

import ftplib
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.blocking import BlockingSource
from elasticjob_cloud.agent.apps.sources.fetching import DownloadFile, Fetched, Validator

_READ_BYTES = 256 * 1024
_POLL_SECONDS = 0.25
_TIMESTAMP = re.compile(r"213 (\d{14}(?:\.\d+)?)")


class FtpSource(BlockingSource):
    """Fetches by RETR; MDTM and SIZE say whether the file changed."""

    def _fetch(
        self,
        address: AppAddress,
        validator: Validator,
        target: Path,
        tell: Callable[[], None],
        stop: threading.Event,
    ) -> Fetched | None:
        # Threads are stopped between replies, so a question is given no more time than its answer may take.
        patience = self._limits.revalidate_timeout_seconds if validator else self._limits.idle_seconds
        try:
            # Closed without QUIT, whose answer a hanging server would make us wait for.
            with closing(ftplib.FTP(timeout=min(self._limits.connect_seconds, patience))) as ftp:  # noqa: S321 - the manual's users have FTP servers
                _log_in(ftp, address, patience)
                path = address.local_path.removeprefix("/")
                found = _ask_validator(ftp, path)
                if found and found == validator:
                    return None
                tell()
                _set_patience(ftp, self._limits.idle_seconds)
                sha256, size = self._retrieve(ftp, path, target, stop)
                if "size" in found and int(found["size"]) != size:
                    raise FetchError(f"the ftp server sent {size:,} of {int(found['size']):,} bytes.")
                return Fetched(found, sha256)
        except TimeoutError as error:
            raise FetchError("the ftp server did not answer in time.") from error
        except (ftplib.Error, OSError, EOFError, ValueError) as error:
            raise FetchError(
                address.hide(f"the ftp server does not give it: {str(error) or type(error).__name__}.")
            ) from error

    def _retrieve(self, ftp: ftplib.FTP, path: str, target: Path, stop: threading.Event) -> tuple[str, int]:
        with DownloadFile(target, self._limits) as file:
            file.open()
            with ftp.transfercmd(f"RETR {path}") as connection:
                while data := self._receive(connection, stop):
                    file.write(data)
            # Without it, a transfer that the server gave up would look complete.
            ftp.voidresp()
            return file.sha256, file.size

    def _receive(self, connection: socket.socket, stop: threading.Event) -> bytes:
        connection.settimeout(_POLL_SECONDS)
        deadline = time.monotonic() + self._limits.idle_seconds
        while True:
            if stop.is_set():
                raise FetchError("the download was stopped.")
            try:
                return connection.recv(_READ_BYTES)
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise FetchError(
                        f"the server sent nothing for {self._limits.idle_seconds:g} s."
                    ) from None


def _log_in(ftp: ftplib.FTP, address: AppAddress, patience: float) -> None:
    ftp.connect(address.host, address.port or 0)
    _set_patience(ftp, patience)
    ftp.login(address.user or "anonymous", address.password)
    ftp.voidcmd("TYPE I")


def _set_patience(ftp: ftplib.FTP, seconds: float) -> None:
    assert ftp.sock is not None, "it is connected"
    ftp.timeout = seconds
    ftp.sock.settimeout(seconds)


def _ask_validator(ftp: ftplib.FTP, path: str) -> Validator:
    try:
        changed = _TIMESTAMP.fullmatch(ftp.voidcmd(f"MDTM {path}").strip())
        size = ftp.size(path)
    except (ftplib.error_perm, ftplib.error_reply):
        # No such file, or a server that knows neither: RETR will tell.
        return {}
    return {"mdtm": changed[1], "size": str(size)} if changed and size is not None else {}
