"""What a scheduler keeps in its data directory besides the database."""

import os
import secrets
from pathlib import Path

from elasticjob_cloud.model.errors import StartError

_SECRET_BYTES = 32
_KEY_FILE = "token-secret"


def make_data_dir(data_dir: Path) -> None:
    """Make the data directory, for its owner alone.

    Raises:
        StartError: it cannot be made or written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = (
            f"Cannot make the data directory {data_dir}: {error.strerror}. Choose another with --data-dir."
        )
        raise StartError(message) from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        message = f"Cannot write to the data directory {data_dir}. Choose another with --data-dir."
        raise StartError(message)


def token_secret(data_dir: Path) -> bytes:
    """Give the key that signs access tokens; made once, so that tokens outlive a restart.

    Raises:
        StartError: it cannot be read or written.
    """
    path = data_dir / _KEY_FILE
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read_secret(path)
        return _write_secret(path, descriptor)
    except OSError as error:
        raise StartError(f"Cannot keep the key of access tokens in {path}: {error.strerror}.") from error


def kept_token_secret(data_dir: Path) -> bytes | None:
    """Give the key that a data directory has from the time when its scheduler was the only one."""
    path = data_dir / _KEY_FILE
    return _read_secret(path) if path.exists() else None


def new_token_secret() -> bytes:
    """Give a new key."""
    return secrets.token_bytes(_SECRET_BYTES)


def _write_secret(path: Path, descriptor: int) -> bytes:
    secret = new_token_secret()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()  # half a key would keep every later start from making one
        raise
    return secret


def _read_secret(path: Path) -> bytes:
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        message = f"{path} is damaged. Remove it: a new key is made, and everybody has to log in again."
        raise StartError(message)
    return secret
