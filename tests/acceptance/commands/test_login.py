"""Who one is to the scheduler: logins, tokens, and where they are kept."""

from pathlib import Path

import pytest

from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import RecordedApi


def test_login_keeps_the_token_for_its_owner_alone(cli: Run, scheduler: RecordedApi, home: Path) -> None:
    scheduler.protected = True
    assert cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd\n").code == 0
    stored = home / "config/elasticjob-cloud/credentials.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    assert cli("job", "list", "--json").json == []
    assert cli("logout").code == 0
    assert not stored.exists()
    assert "Nobody" in cli("logout").err


def test_wrong_password_is_told_and_never_shown(cli: Run, scheduler: RecordedApi, home: Path) -> None:
    scheduler.protected = True
    outcome = cli("login", "--url", scheduler.url, "-u", "me", "--password-stdin", stdin="hunter2\n")
    assert outcome.code == 2
    assert "me" in outcome.err
    assert "hunter2" not in outcome.err
    assert not (home / "config").exists()


def test_login_without_a_terminal_asks_for_stdin(cli: Run) -> None:
    assert "--password-stdin" in cli("login").err
    assert "no password" in cli("login", "--password-stdin").err


def test_token_goes_to_no_other_scheduler(cli: Run, scheduler: RecordedApi) -> None:
    scheduler.protected = True
    cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd")
    cli("job", "list")
    token = scheduler.calls[-1].token
    assert token
    other = scheduler.url.replace("127.0.0.1", "localhost")
    cli("job", "list", "--url", other)
    assert scheduler.calls[-1].token is None
    cli("job", "list", "--url", f"{scheduler.url}/api/")
    assert scheduler.calls[-1].token == token


def test_token_of_the_environment_goes_before_the_stored_one(
    cli: Run, scheduler: RecordedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd")
    monkeypatch.setenv("ELASTICJOB_TOKEN", "from-environment")
    cli("job", "list")
    assert scheduler.calls[-1].token == "from-environment"


def test_what_is_no_token_is_not_sent_or_shown(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTICJOB_TOKEN", "hunter2\nx: y")
    outcome = cli("job", "list")
    assert outcome.code == 2
    assert "ELASTICJOB_TOKEN" in outcome.err
    assert "hunter2" not in outcome.err


def test_password_that_would_cross_the_network_in_the_clear_is_warned_of(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    # An address that is not loopback by its name, and reaches no further all the same.
    outcome = cli("login", "--url", "http://0.0.0.0:1", "--password-stdin", stdin="pwd")
    assert outcome.code == 3
    assert "Warning" in outcome.err


def test_missing_login_says_how_to_log_in(run: Run, scheduler: RecordedApi) -> None:
    scheduler.protected = True
    outcome = run("job", "list")
    assert outcome.code == 2
    assert "elasticjob-cloud login" in outcome.err


def test_damaged_credentials_are_told_and_can_be_overwritten(
    cli: Run, scheduler: RecordedApi, home: Path
) -> None:
    stored = home / "config/elasticjob-cloud/credentials.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("[]")
    outcome = cli("job", "list")
    assert outcome.code == 2
    assert "damaged" in outcome.err
    assert cli("login", "--url", scheduler.url, "--password-stdin", stdin="pwd").code == 0
    assert cli("job", "list").code == 0
