"""`elasticjob-cloud login` and `logout`."""

import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from elasticjob_cloud.cli.credentials import Login, forget_login, login_url, save_login
from elasticjob_cloud.cli.options import UrlOption
from elasticjob_cloud.cli.output import say
from elasticjob_cloud.model.errors import CallerError, UnauthorizedError

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

DEFAULT_USERNAME = "root"


def login(
    url: UrlOption = None,
    username: Annotated[
        str | None,
        typer.Option("--username", "-u", help="Who logs in; asked for if left out.", show_default=False),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin, for scripts.")
    ] = False,
) -> None:
    """Log in to a scheduler.

    The other commands then ask it. The token that it gives is kept in a file that its owner alone can read.
    """
    from elasticjob_cloud.cli.connection import Connection  # noqa: PLC0415 - slow to import, see options.connect

    chosen = Login(login_url(url))
    user = username or _ask_username(password_stdin)
    if chosen.url.startswith("http://") and not chosen.is_loopback:
        say(f"Warning: the password goes to {chosen.url} unencrypted.")
    with Connection(chosen) as scheduler:
        token = None
        if user == DEFAULT_USERNAME and not password_stdin and chosen.is_loopback:
            token = _try_first_password(scheduler, user)
        if token is None:
            token = _token_for(scheduler, user, _read_password(user, password_stdin))
        if token is None:
            raise CallerError(f"{chosen.url} knows no user {user} with this password.")
    path = save_login(Login(chosen.url, token, user))
    say(f"Logged in to {chosen.url} as {user}; the token is in {path}. Log out: elasticjob-cloud logout")


def _try_first_password(scheduler: "Connection", user: str) -> str | None:
    """Log in with the password that this user's scheduler made for itself, if it did."""
    from elasticjob_cloud.settings.first_password import find_first_password  # noqa: PLC0415 - slow to import, as above

    password = find_first_password(urlsplit(scheduler.url).port or 80)
    return None if password is None else _token_for(scheduler, user, password)


def _token_for(scheduler: "Connection", user: str, password: str) -> str | None:
    try:
        return str(scheduler.post("login", json={"username": user, "password": password})["accessToken"])
    except UnauthorizedError:
        return None


def _ask_username(password_stdin: bool) -> str:
    if password_stdin or not sys.stdin.isatty():
        return DEFAULT_USERNAME
    return str(typer.prompt("Username", default=DEFAULT_USERNAME, err=True))


def _read_password(username: str, password_stdin: bool) -> str:
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CallerError("There is no password on stdin.")
        return password
    if not sys.stdin.isatty():
        raise CallerError(
            "There is no terminal to ask for the password: pass it on stdin, with --password-stdin."
        )
    return str(typer.prompt(f"Password of {username}", hide_input=True, err=True))


def logout() -> None:
    """Forget the stored token."""
    say("Logged out." if forget_login() else "Nobody was logged in.")
