"""Keeps what a gateway prints, which is mostly Ray's own words, in a file of limited size."""

import logging
import logging.handlers
import threading
from pathlib import Path
from typing import IO

_BYTES = 5 << 20
_FILES = 1


def keep_log(source: IO[bytes], path: Path, limit_bytes: int = _BYTES) -> threading.Thread:
    """Copy what comes to the file until it ends, in a thread; at `limit_bytes` a second file takes the older half."""
    thread = threading.Thread(target=_copy, args=(source, path, limit_bytes), name="gateway-log", daemon=True)
    thread.start()
    return thread


def _copy(source: IO[bytes], path: Path, limit_bytes: int) -> None:
    # It opens the file with the first line, and goes on when it cannot write: the gateway must not wait for a disk.
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=limit_bytes, backupCount=_FILES, encoding="utf-8", delay=True
    )
    with source:
        for line in source:
            text = line.decode(errors="replace").rstrip("\n")
            handler.emit(logging.LogRecord("ray", logging.INFO, "", 0, text, None, None))
    handler.close()
