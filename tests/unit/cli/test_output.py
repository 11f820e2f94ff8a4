import datetime as dt
import io
import json
import time
from collections.abc import Iterator

import pytest

from elasticjob_cloud.cli.credentials import clean_url
from elasticjob_cloud.cli.output import (
    console_for,
    local_time,
    number,
    print_fields,
    print_json,
    print_table,
    printable,
    seconds_between,
)
from elasticjob_cloud.model.errors import CallerError


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "value",
    ["2026-11-22T15:00:05+00:00", "2026-11-22T15:00:05.250Z", "2026-11-22T23:00:05+08:00", 1795359605000],
)
def test_time_is_shown_in_the_zone_of_the_machine(shanghai: None, value: object) -> None:
    assert local_time(value) == "2026-11-22 23:00:05"


@pytest.mark.parametrize("value, shown", [(None, ""), ("", ""), ("soon", "soon"), (10**30, str(10**30))])
def test_what_is_no_time_is_shown_as_it_is(value: object, shown: str) -> None:
    assert local_time(value) == shown


@pytest.mark.parametrize(
    "start, end, shown",
    [
        ("2026-11-22T15:00:05.250Z", "2026-11-22T16:00:06+01:00", "0.750"),
        (1795359605000, 1795359606000, "1.000"),
        (1795359605000, None, ""),
        ("soon", "later", ""),
    ],
)
def test_duration_is_shown_in_seconds_once_it_is_over(start: object, end: object, shown: str) -> None:
    assert seconds_between(start, end) == shown


def test_narrow_table_keeps_names_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(("JOB", "STATE", "URL"), [("a_rather_long_job", "disabled", "y" * 100)], folded=("URL",))
    out = capsys.readouterr().out
    assert "a_rather_long_job" in out
    assert "disabled" in out
    assert out.count("y") == 100


def test_fields_are_shown_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"jobName": "[x]", "failover": False, "cpuCount": 1.0, "props": {"a": "1", "b": ""}})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["jobName", "[x]"], ["failover", "no"], ["cpuCount", "1"], ["props.a", "1"], ["props.b"]]


def test_epoch_of_the_test_is_right() -> None:
    assert dt.datetime(2026, 11, 22, 15, 0, 5, tzinfo=dt.UTC).timestamp() * 1000 == 1795359605000


@pytest.mark.parametrize("value, shown", [(1.0, "1"), (0.1, "0.1"), (5, "5"), (None, ""), ("x", "x")])
def test_whole_number_has_no_fraction(value: object, shown: str) -> None:
    assert number(value) == shown


def test_text_of_others_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in printable("\x1b[31mred\x07")
    assert printable("作业 ü\n") == "作业 ü\n"


def test_text_of_others_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME",), [("[bold]x[/bold] [/]",)])
    assert "[bold]x[/bold] [/]" in capsys.readouterr().out


def test_table_in_a_pipe_is_not_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(("NAME", "URL"), [("a", "x" * 500)])
    out = capsys.readouterr().out
    assert "x" * 500 in out
    assert "\x1b" not in out


def test_table_fits_the_columns_that_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(("NAME", "TASK ID"), [("a", "x" * 100)], folded=("TASK ID",))
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 40
    assert out.count("x") == 100


def test_json_is_plain_and_keeps_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "作业"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": "作业"}
    assert "作业" in out


def test_console_of_a_pipe_has_no_colour() -> None:
    stream = io.StringIO()
    console_for(stream).print("[red]x[/red]")
    assert stream.getvalue() == "x\n"


@pytest.mark.parametrize(
    "url", ["http://h:1", "http://h:1/", "http://h:1/api", "http://h:1/api/", "h:1", " http://h:1 "]
)
def test_url_has_one_form(url: str) -> None:
    assert clean_url(url) == "http://h:1"


def test_url_of_another_kind_is_refused() -> None:
    with pytest.raises(CallerError, match="http://"):
        clean_url("ftp://h")
