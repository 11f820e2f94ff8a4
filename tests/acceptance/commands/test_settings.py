"""Settings as operators give them: files on a disk, and the page that documents each."""

from pathlib import Path

import pytest
from pydantic import ByteSize, SecretStr

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.settings.agent_tuning import AgentTuning
from elasticjob_cloud.settings.scheduler import OPTIONS, SchedulerSettings, option_of, variable_of
from elasticjob_cloud.settings.sources import load_settings
from elasticjob_cloud.time_zones.machine import machine_time_zone
from tests.checkout import ROOT

PAGE = ROOT / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
# Defaults that depend on the machine or are left to others.
SHOWN_DEFAULTS = {
    "data_dir": "`~/.local/share/elasticjob-cloud`",
    "time_zone": "the machine's",
    "cpus": "all",
    "memory_mb": "the machine's",
    "database_url": "SQLite",
    "advertise_url": "as it listens",
    "ca_file": "none",
    "pass_env": "none",
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SchedulerSettings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    monkeypatch.delenv("ELASTICJOB_CONFIG", raising=False)


def shown_default(name: str, default: object) -> str:
    if name in SHOWN_DEFAULTS:
        return SHOWN_DEFAULTS[name]
    match default:
        case SecretStr():
            return f"`{default.get_secret_value()}`"
        case ByteSize():
            return f"`{default.human_readable(separator=' ').replace('.0', '')}`"
        case bool():
            return f"`{str(default).lower()}`"
        case float():
            return f"`{default:g}`"
        case tuple():
            return f"`{','.join(default)}`"
        case _:
            return f"`{default}`"


def settings_table() -> str:
    rows = ["| TOML key | option | variable | default | meaning |", "| --- | --- | --- | --- | --- |"]
    fields = SchedulerSettings.model_fields
    # What few need to touch comes last.
    for name, field in sorted(fields.items(), key=lambda item: item[0] in AgentTuning.model_fields):
        option = f"`{option_of(name)}`" if name in OPTIONS else ""
        default = shown_default(name, field.default)
        rows.append(f"| `{name}` | {option} | `{variable_of(name)}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def test_page_of_the_configuration_has_every_setting_as_the_code_has_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition(BEGIN)[2].partition(END)[0]
    assert table == settings_table(), "write it again: python -m tests.acceptance.commands.test_settings"


def test_file_goes_before_defaults_and_after_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "scheduler.toml"
    config.write_text('host = "127.0.0.9"\nport = 1\ncpus = 3\nallowed_url_prefixes = ["http://a/"]\n')
    monkeypatch.setenv("ELASTICJOB_PORT", "2")
    monkeypatch.setenv("ELASTICJOB_CPUS", "4")
    settings = load_settings({"cpus": 5.0, "host": None}, config)
    assert (settings.host, settings.port, settings.cpus) == ("127.0.0.9", 2, 5.0)
    assert settings.allowed_url_prefixes == ("http://a/",)


def test_file_may_be_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = tmp_path / "named.toml", tmp_path / "other.toml"
    named.write_text("port = 1")
    other.write_text("port = 2")
    monkeypatch.setenv("ELASTICJOB_CONFIG", str(named))
    assert load_settings({}).port == 1
    assert load_settings({}, other).port == 2


def test_bad_value_in_a_file_is_told_with_the_file(tmp_path: Path) -> None:
    config = tmp_path / "scheduler.toml"
    config.write_text('port = "many"\nadmin_password = 5\n')
    with pytest.raises(StartError) as caught:
        load_settings({}, config)
    assert f"port in {config}: 'many' is not allowed" in str(caught.value)
    assert f"admin_password in {config}: this is not allowed" in str(caught.value)


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"prot = 1", "did you mean port?"),
        (b"port = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"[port]\nx = 1", "port in "),
    ],
)
def test_bad_file_is_refused_by_name(tmp_path: Path, content: bytes, problem: str) -> None:
    config = tmp_path / "scheduler.toml"
    config.write_bytes(content)
    with pytest.raises(StartError, match=r"scheduler\.toml") as caught:
        load_settings({}, config)
    assert problem in str(caught.value)


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be read"):
        load_settings({}, tmp_path / "none.toml")


def test_time_zone_of_the_machine_comes_from_the_link_to_its_file(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("../usr/share/zoneinfo/Asia/Shanghai")
    assert machine_time_zone({}, link) == "Asia/Shanghai"
    assert machine_time_zone({"TZ": "Europe/Berlin"}, link) == "Europe/Berlin"
    link.unlink()
    link.write_bytes(b"TZif2")
    assert machine_time_zone({}, link) == "UTC"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + settings_table() + END + rest.partition(END)[2], encoding="utf-8")
