"""Where the user who connects cannot be told, the first start makes a password, and the command line finds it."""

import io
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from elasticjob_cloud.api import AuthSettings
from elasticjob_cloud.cli.main import main
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.server.compose import build_server
from elasticjob_cloud.server.passwords import settle_passwords
from elasticjob_cloud.settings.first_password import (
    PASSWORD_FILE,
    find_first_password,
    note_password_file,
    uses_first_password,
)
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from tests.security.servers import served_with


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("DATA_DIR", "URL", "TOKEN", "ADMIN_PASSWORD"):
        monkeypatch.delenv(f"ELASTICJOB_{name}", raising=False)
    return tmp_path / "home"


def blind() -> bool:
    return False


def test_password_is_random_kept_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = SchedulerSettings(data_dir=tmp_path / "data")

    with capture_logs() as logs:
        first = settle_passwords(settings, blind)
        again = settle_passwords(settings, blind)
    elsewhere = settle_passwords(SchedulerSettings(data_dir=tmp_path / "other"), blind)

    password = first.admin_password.get_secret_value()
    path = tmp_path / "data" / PASSWORD_FILE
    assert len(password) >= 24
    assert again.admin_password == first.admin_password != elsewhere.admin_password
    assert path.read_text().strip() == password
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each["file"] for each in logs] == [str(path), str(path)]
    assert password not in str(logs)
    assert uses_first_password(first)
    assert not uses_first_password(settings)


def test_where_users_can_be_told_or_a_password_is_set_all_stays_as_it_is(tmp_path: Path) -> None:
    settings = SchedulerSettings(data_dir=tmp_path / "data")
    own = SchedulerSettings(data_dir=tmp_path / "data", admin_password=SecretStr("my own password"))
    assert settle_passwords(settings, lambda: True) is settings
    assert settle_passwords(own, blind) is own


def test_no_password_is_made_where_the_default_one_is_refused(tmp_path: Path) -> None:
    settings = SchedulerSettings(data_dir=tmp_path, host="0.0.0.0")
    assert settle_passwords(settings, blind) is settings
    with pytest.raises(StartError, match="Everybody knows the default passwords"):
        build_server(settings)
    assert not list(tmp_path.iterdir())
    assert not (tmp_path / "data").exists()


def test_without_log_in_it_does_not_start_where_users_cannot_be_told(tmp_path: Path) -> None:
    settings = SchedulerSettings(data_dir=tmp_path / "data", no_auth=True)
    assert settle_passwords(settings, lambda: True) is settings
    with pytest.raises(StartError, match="drop --no-auth"):
        settle_passwords(settings, blind)


def test_damaged_password_file_is_not_taken_for_a_password(tmp_path: Path) -> None:
    settings = SchedulerSettings(data_dir=tmp_path)
    (tmp_path / PASSWORD_FILE).write_text("\n")
    with pytest.raises(StartError, match="damaged"):
        settle_passwords(settings, blind)


def test_password_is_found_by_the_note_the_variable_or_the_usual_place(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_first_password(8899) is None
    usual = settle_passwords(SchedulerSettings(), blind)
    assert find_first_password(8899) == usual.admin_password.get_secret_value()
    named = settle_passwords(SchedulerSettings(data_dir=tmp_path / "named"), blind)
    monkeypatch.setenv("ELASTICJOB_DATA_DIR", str(tmp_path / "named"))
    assert find_first_password(8899) == named.admin_password.get_secret_value()
    noted = settle_passwords(SchedulerSettings(data_dir=tmp_path / "noted"), blind)
    note_password_file(8899, noted.data_dir)
    assert find_first_password(8899) == noted.admin_password.get_secret_value()
    assert find_first_password(8898) == named.admin_password.get_secret_value()


def test_log_in_on_the_command_line_needs_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settle_passwords(SchedulerSettings(data_dir=tmp_path / "data"), blind)
    with served_with(AuthSettings.of(settings)) as server:
        note_password_file(int(server.url.rpartition(":")[2]), settings.data_dir)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        for arguments in (["login"], ["app", "list"]):
            with pytest.raises(SystemExit) as end:
                main([*arguments, "--url", server.url])
            said = capsys.readouterr()
            assert end.value.code == 0, said.err
            assert settings.admin_password.get_secret_value() not in said.out + said.err


def test_weak_password_that_was_set_is_warned_about_at_the_start(tmp_path: Path) -> None:
    weak = SchedulerSettings(data_dir=tmp_path, host="0.0.0.0", admin_password=SecretStr("short"))
    with capture_logs() as logs:
        settle_passwords(weak, lambda: True)
    (warning,) = logs
    assert "password is weak" in warning["event"]
    assert warning["user"] == "root"
    assert "short" not in str(warning).replace("shorter", "")
