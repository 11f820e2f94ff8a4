"""The admin's first password, for machines where a caller's user cannot be told: random, in a file for its owner alone.

Elsewhere the default password is good for the user who started the scheduler, and for nobody else (`api/access/own_user.py`).
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.settings.scheduler import SchedulerSettings, default_data_dir

PASSWORD_FILE: Final = "admin-password"  # noqa: S105 - the file's name
_NOTES: Final = "password-files"
_PASSWORD_BYTES: Final = 24


def first_password(data_dir: Path) -> str:
    """Give the password that a data directory keeps; made once.

    Raises:
        StartError: it cannot be read or written.
    """
    path = data_dir / PASSWORD_FILE
    try:
        if (kept := _read_text(path)) is not None:
            if len(kept) < _PASSWORD_BYTES:
                raise StartError(f"{path} is damaged. Remove it: the next start makes a new password.")
            return kept
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        _write_private(path, password)
    except OSError as error:
        raise StartError(f"Cannot keep the admin's password in {path}: {error.strerror}.") from error
    return password


def uses_first_password(settings: SchedulerSettings) -> bool:
    """Tell whether the admin has the password that the data directory keeps."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return _read_text(settings.data_dir / PASSWORD_FILE) == settings.admin_password.get_secret_value()
    return False


def note_password_file(port: int, data_dir: Path) -> None:
    """Leave a note for this user's command line where the password of the scheduler at this port is."""
    with contextlib.suppress(OSError, StartError):  # it is printed as well
        notes = default_data_dir() / _NOTES
        notes.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(notes / str(port), str(data_dir / PASSWORD_FILE))


def find_first_password(port: int) -> str | None:
    """Give the first password of this user's scheduler at this port of loopback, if it has one."""
    for path in _candidates(port):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if password := _read_text(path):
                return password
    return None


def _candidates(port: int) -> Iterator[Path]:
    with contextlib.suppress(OSError, UnicodeDecodeError, StartError):
        if noted := _read_text(default_data_dir() / _NOTES / str(port)):
            yield Path(noted)
    if configured := os.environ.get("ELASTICJOB_DATA_DIR"):
        yield Path(configured).expanduser() / PASSWORD_FILE
    with contextlib.suppress(StartError):
        yield default_data_dir() / PASSWORD_FILE


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _write_private(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # Created with its final mode: a chmod afterwards would leave it open for a moment.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
