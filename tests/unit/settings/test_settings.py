from collections.abc import Mapping
from pathlib import Path

import pytest

from elasticjob_cloud.agent.process.start.environment import AGENT_VARIABLE, OWNER_VARIABLE, TASK_VARIABLE
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.wire import ADDRESS_VARIABLE, APP_NAME_VARIABLE, TOKEN_VARIABLE
from elasticjob_cloud.sdk.lanes.worker_protocol import WORKER_SOCKET_VARIABLE
from elasticjob_cloud.settings.scheduler import (
    OPTIONS,
    SchedulerSettings,
    default_data_dir,
    option_of,
    variable_of,
)
from elasticjob_cloud.settings.sources import (
    STANDALONE_DEFAULTS,
    load_settings,
    refuse_unknown_keys,
    unknown_variables,
)
from elasticjob_cloud.time_zones.hints import time_zone_problem
from elasticjob_cloud.time_zones.machine import machine_time_zone

NOWHERE = Path("/nonexistent/localtime")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SchedulerSettings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    monkeypatch.delenv("ELASTICJOB_CONFIG", raising=False)


def refusal(options: Mapping[str, object | None], **arguments: object) -> str:
    with pytest.raises(StartError) as caught:
        load_settings(options, **arguments)  # type: ignore[arg-type]  # each caller passes what it has
    return str(caught.value)


def test_defaults_are_those_of_the_manual() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.no_auth) == ("127.0.0.1", 8899, False)
    assert (settings.admin_username, settings.admin_password.get_secret_value()) == ("root", "pwd")
    assert (settings.guest_username, settings.guest_password.get_secret_value()) == ("guest", "guest")
    assert settings.job_state_queue_size == 10_000
    assert settings.allowed_url_prefixes == ("http://", "https://", "ftp://")


def test_every_default_is_itself_allowed() -> None:
    values = load_settings({}).model_dump(exclude_none=True)
    assert load_settings(values).model_dump(exclude_none=True) == values


def test_misspelt_variable_is_found_with_the_one_that_was_meant() -> None:
    given = {"ELASTICJOB_PORRT": "1", "ELASTICJOB_WEATHER": "fine", "elasticjob_data_dri": "x"}
    assert unknown_variables(given) == {
        "ELASTICJOB_PORRT": "ELASTICJOB_PORT",
        "ELASTICJOB_WEATHER": "",
        "elasticjob_data_dri": "ELASTICJOB_DATA_DIR",
    }


def test_variables_of_settings_clients_tasks_and_others_are_not_misspelt() -> None:
    context = ShardingContext("task", "job", 2, 1, "a", "b", {})
    tasks = (*context.environment(), AGENT_VARIABLE, TASK_VARIABLE, OWNER_VARIABLE, WORKER_SOCKET_VARIABLE)
    executors = (ADDRESS_VARIABLE, TOKEN_VARIABLE, APP_NAME_VARIABLE)
    clients = ("ELASTICJOB_CONFIG", "ELASTICJOB_URL", "ELASTICJOB_TOKEN")
    settings = [variable_of(name) for name in SchedulerSettings.model_fields]
    others = ("PATH", "elasticjob_port", "_ELASTICJOB_CLOUD_COMPLETE")
    assert not unknown_variables(dict.fromkeys((*tasks, *executors, *clients, *settings, *others), "x"))
    assert not unknown_variables({"ELASTICJOB_PORRT": ""})  # as with settings, an empty one is not there


def test_option_wins_over_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTICJOB_PORT", "1111")
    assert load_settings({"port": None}).port == 1111
    assert load_settings({"port": 2222}).port == 2222


def test_variable_wins_over_the_defaults_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "file://" in load_settings({}, defaults=STANDALONE_DEFAULTS).allowed_url_prefixes
    monkeypatch.setenv("ELASTICJOB_ALLOWED_URL_PREFIXES", "https://apps.example/ , ftp://b/")
    settings = load_settings({}, defaults=STANDALONE_DEFAULTS)
    assert settings.allowed_url_prefixes == ("https://apps.example/", "ftp://b/")


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTICJOB_PORT", "")
    assert load_settings({}).port == 8899


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("no_auth", "true", True),
        ("cpus", "2.5", 2.5),
        ("output_limit_bytes", "5 MiB", 5 * 1024**2),
        ("log_level", "DEBUG", "debug"),
        (
            "trusted_proxies",
            "10.0.0.5, 10.1.0.0/16,2001:db8::/32",
            ("10.0.0.5", "10.1.0.0/16", "2001:db8::/32"),
        ),
        ("allowed_hosts", "jobs.example, other", ("jobs.example", "other")),
        ("login_failures", "3", 3),
        ("body_limit_bytes", "2 MiB", 2 * 1024**2),
        ("data_dir", "/somewhere", Path("/somewhere")),
        ("time_zone", "Asia/Shanghai", "Asia/Shanghai"),
        ("database_url", "postgresql://u:p@h/d", "postgresql://u:p@h/d"),
        ("database_url", " postgres://u:p@h/d\n", "postgres://u:p@h/d"),
        ("database_url", "\n", ""),
    ],
)
def test_variable_is_read_as_its_type(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv(variable_of(name), text)
    assert getattr(load_settings({}), name) == value


@pytest.mark.parametrize(
    "name, value, allowed",
    [
        ("port", "abc", "valid integer"),
        ("port", "65536", "65535"),
        ("cpus", "0", "greater than 0"),
        ("cpus", "nan", "finite"),
        ("lease_seconds", "inf", "finite"),
        ("job_state_queue_size", "0", "greater than 0"),
        ("engine", "mesos", "'local' or 'ray'"),
        ("time_zone", "Europe/Berln", "did you mean Europe/Berlin?"),
        ("allowed_url_prefixes", "gopher://", "http://"),
        ("output_limit_bytes", "many", "byte"),
        ("trusted_proxies", "proxy.example", "CIDR"),
        ("trusted_proxies", "10.0.0.5/8", "host bits"),
        ("trusted_proxies", "0.0.0.0/0", "all addresses"),
        ("trusted_proxies", "::/0", "all addresses"),
        ("allowed_hosts", "http://jobs.example", "without scheme"),
        ("allowed_hosts", "jobs.example:8899", "without scheme"),
        ("login_failures", "0", "greater than 0"),
        ("body_limit_bytes", "100", "8192"),
        ("log_format", "xml", "'console' or 'json'"),
        ("advertise_url", "10.0.0.1:8899", "http://"),
        ("advertise_url", "http://", "with a host"),
        ("advertise_url", "http://host:99999", "65535"),
        ("advertise_url", "http://host:port", "65535"),
    ],
)
def test_bad_value_is_told_with_its_source_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    message = refusal({name: value})
    assert f"option {option_of(name)}: " in message
    assert value in message
    assert allowed in message
    monkeypatch.setenv(variable_of(name), value)
    assert f"variable {variable_of(name)}: " in refusal({})


def test_all_bad_values_are_told_at_once() -> None:
    assert len(refusal({"port": -1, "cpus": -1, "log_level": "loud"}).splitlines()) == 3


@pytest.mark.parametrize(
    "name, value",
    [
        ("admin_password", "$argon2id$hunter2"),
        ("guest_password", "$argon2id$hunter2"),
        ("database_url", "mysql://root:hunter2@host/db"),
    ],
)
def test_secret_is_never_shown(name: str, value: str) -> None:
    message = refusal({name: value})
    assert name.replace("_", "-") in message
    assert "hunter2" not in message


def test_settings_do_not_show_their_secrets() -> None:
    settings = load_settings({"admin_password": "hunter2", "database_url": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


def test_empty_password_is_refused() -> None:
    assert "must not be empty" in refusal({"admin_password": ""})


def test_a_guest_with_the_admins_name_is_refused() -> None:
    assert "option --guest-username: the guest has the admin's name, 'root'" in refusal(
        {"guest_username": "root"}
    )
    assert "the admin's name, 'guest'" in refusal({"admin_username": "guest"})


def test_whole_password_hash_is_accepted() -> None:
    import argon2

    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=64).hash("secret")
    assert load_settings({"admin_password": hashed}).admin_password.get_secret_value() == hashed


def test_missing_required_setting_is_told_with_all_ways_to_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal({}, required=("database_url",))
    for way in ("--database-url", "ELASTICJOB_DATABASE_URL", "--config"):
        assert way in message
    monkeypatch.setenv("ELASTICJOB_DATABASE_URL", "sqlite:///x.db")
    assert load_settings({}, required=("database_url",)).store_url == "sqlite:///x.db"


def test_task_is_never_given_away_before_its_old_place_was_fenced() -> None:
    assert "option --lost-seconds" in refusal({"fence_seconds": 20, "lost_seconds": 20})
    assert "setting lost_seconds" in refusal({"fence_seconds": 20})
    # The fence itself takes a moment: its tasks have a second to tidy up.
    assert "by 2 at least" in refusal({"fence_seconds": 20, "lost_seconds": 21.9})
    assert load_settings({"fence_seconds": 20, "lost_seconds": 22}).lost_seconds == 22


def test_idle_node_is_let_go_of_never_or_not_at_once() -> None:
    assert load_settings({}).release_idle_seconds == 0
    assert load_settings({"release_idle_seconds": 30}).release_idle_seconds == 30
    assert "at least 30" in refusal({"release_idle_seconds": 29})
    assert "greater than or equal to 0" in refusal({"release_idle_seconds": -1})


def test_database_is_in_the_data_directory_by_default() -> None:
    assert load_settings({"data_dir": "/data"}).store_url == "sqlite:////data/elasticjob.db"
    assert load_settings({"data_dir": "/50%?"}).store_url == "sqlite:////50%25%3F/elasticjob.db"


def test_unknown_key_is_refused_with_the_one_probably_meant() -> None:
    with pytest.raises(StartError) as caught:
        refuse_unknown_keys({"prot": 1, "data-dir": "x", "zzzzzz": 0, "host": "h"}, "my.toml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "my.toml: there is no setting 'prot'; did you mean port?"
    assert "did you mean data_dir?" in lines[1]
    assert "docs/configuration.md" in lines[2]
    assert len(lines) == 3


def test_every_option_is_a_setting_and_no_password_is_an_option() -> None:
    assert set(SchedulerSettings.model_fields) >= OPTIONS
    assert not [name for name in OPTIONS if "password" in name]


def test_data_directory_follows_the_xdg_variable_unless_it_is_relative() -> None:
    assert default_data_dir({"XDG_DATA_HOME": "/x"}) == Path("/x/elasticjob-cloud")
    home = Path.home() / ".local/share/elasticjob-cloud"
    assert default_data_dir({}) == default_data_dir({"XDG_DATA_HOME": "x"}) == home


@pytest.mark.parametrize(
    "variable, name",
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        (":Asia/Shanghai", "Asia/Shanghai"),
        (":/usr/share/zoneinfo/Asia/Shanghai", "Asia/Shanghai"),
        ("CST-8", "UTC"),
        ("localtime", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("", "UTC"),
    ],
)
def test_time_zone_of_the_machine_comes_from_its_variable(variable: str, name: str) -> None:
    assert machine_time_zone({"TZ": variable}, NOWHERE) == name


def test_folder_of_time_zones_is_none() -> None:
    assert time_zone_problem("Europe") is not None
    assert time_zone_problem("") is not None
    assert time_zone_problem("Europe/Berlin") is None
