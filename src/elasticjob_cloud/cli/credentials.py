"""Which scheduler to ask, and with which token: option, environment, then the file that `login` wrote."""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from elasticjob_cloud.model.errors import CallerError
from elasticjob_cloud.model.urls import is_http_url, is_loopback

DEFAULT_URL = "http://127.0.0.1:8899"
URL_VARIABLE = "ELASTICJOB_URL"
TOKEN_VARIABLE = "ELASTICJOB_TOKEN"  # noqa: S105 - the variable's name, not a secret


@dataclass(frozen=True, slots=True)
class Login:
    """A scheduler's URL, and the token that it gave to a user; no token for a scheduler that needs none."""

    url: str
    token: str = ""
    username: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether the URL names this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")


def credentials_path() -> Path:
    """Give `$XDG_CONFIG_HOME/elasticjob-cloud/credentials.json`, by default under `~/.config`.

    Raises:
        CallerError: this user has no home directory.
    """
    home = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(home) if Path(home).is_absolute() else Path.home() / ".config"
    except RuntimeError:
        raise CallerError(
            f"This user has no home directory to keep the login in. Set XDG_CONFIG_HOME, or give a token in {TOKEN_VARIABLE}."
        ) from None
    return base / "elasticjob-cloud" / "credentials.json"


def load_login() -> Login | None:
    """Read what `login` stored; None when nobody is logged in."""
    try:
        path = credentials_path()
    except CallerError:
        return None
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Login(str(stored["url"]), str(stored["token"]), str(stored.get("username", "")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CallerError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CallerError(f"{path} is damaged. Write it again: elasticjob-cloud login") from None


def save_login(login: Login) -> Path:
    """Store the login where its owner alone can read it, whole or not at all."""
    path = credentials_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        # Created with its final mode: a chmod afterwards would leave the token open for a moment.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(login), file)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise CallerError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def forget_login() -> bool:
    """Delete the stored login; False when there was none."""
    with contextlib.suppress(FileNotFoundError, CallerError):
        credentials_path().unlink()
        return True
    return False


def choose_login(url: str | None) -> Login:
    """Settle URL and token. A stored token goes to no scheduler but the one that it came from."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise CallerError(f"{TOKEN_VARIABLE} holds no token: it has characters that none has.")
    wanted = url or os.environ.get(URL_VARIABLE, "")
    # A damaged file must not stand in the way of those who do not need it.
    stored = None if wanted and token else load_login()
    chosen = clean_url(wanted or (stored.url if stored else DEFAULT_URL))
    if not token and stored and stored.url == chosen:
        return stored
    return Login(chosen, token)


def login_url(url: str | None) -> str:
    """Settle the URL to log in to. A damaged file must not stand in the way: it is about to be written again."""
    with contextlib.suppress(CallerError):
        return choose_login(url).url
    return clean_url(url or os.environ.get(URL_VARIABLE, "") or DEFAULT_URL)


def clean_url(url: str) -> str:
    """Bring a scheduler's URL into one form: with a scheme, without `/api` and a slash at the end."""
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    if not is_http_url(text):
        raise CallerError(f"{url} is no URL of a scheduler. One looks like {DEFAULT_URL}.")
    return text.rstrip("/").removesuffix("/api")
