"""What people read, in both languages."""

from dataclasses import replace

import pytest

from elasticjob_cloud.alerting.rendering import MOST_SHOWN, Letterhead, render, shorten
from elasticjob_cloud.alerting.words import CHINESE, ENGLISH, Words
from elasticjob_cloud.model.alerting.alert import Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.rule import Language
from tests.alert_outbox import make_alert, make_message, make_resolved

HEAD = Letterhead("https://jobs.example/", "Asia/Shanghai")


def test_message_says_all_that_one_must_know() -> None:
    rendered = render(make_message(make_alert(count=3)), HEAD)
    assert rendered.title == "[FIRING] Job report: run failed"
    assert rendered.text.splitlines() == [
        "Job report: run failed (finance)",
        "Run: 17, Item 3",
        "Since: 2027-01-15 16:00:00+08:00 (Asia/Shanghai), Times 3",
        "Where: host-1",
        "Reason: KeyError: 'x'",
        "Console: https://jobs.example/runs/17",
        "Silence it: elasticjob-cloud alert silence --job report --condition RUN_FAILED --minutes 60",
    ]


def test_message_in_chinese() -> None:
    rendered = render(make_message(make_alert(count=3), language=Language.CHINESE), HEAD)
    assert rendered.title == "[告警] 作业 report：运行失败"
    assert rendered.text.splitlines()[:5] == [
        "作业 report：运行失败 (finance)",
        "运行：17，分片 3",
        "开始时间：2027-01-15 16:00:00+08:00 (Asia/Shanghai)，次数 3",
        "位置：host-1",
        "原因：KeyError: 'x'",
    ]


def test_end_says_how_long_it_was_broken() -> None:
    rendered = render(make_message(make_resolved(), kind=MessageKind.RESOLVE), HEAD)
    assert rendered.title == "[RESOLVED] Job report: runs succeed again"
    assert "Lasted: 1 h" in rendered.text
    assert "KeyError" not in rendered.text
    assert "alert silence" not in rendered.text


def test_end_that_is_no_recovery_says_why() -> None:
    over = replace(make_resolved(), resolution=Resolution.REMOVED)
    rendered = render(make_message(over, kind=MessageKind.RESOLVE), HEAD)
    assert rendered.title == "[RESOLVED] Job report: run failed"
    assert "Reason: the job was removed or disabled" in rendered.text


def test_group_counts_what_it_holds_and_shows_the_first() -> None:
    alerts = [make_alert(job_name=f"job-{number}") for number in range(500)]
    message = make_message(make_alert(Condition.AGENT_LOST), *alerts)
    rendered = render(message, HEAD)
    assert rendered.title == "[FIRING] 501 alerts: 500 × run failed, 1 × agent was lost"
    assert rendered.text.startswith("host-1: agent was lost\n")
    assert rendered.text.count("run failed (finance)") == MOST_SHOWN - 1
    assert rendered.text.endswith("... and 481 more")


@pytest.mark.parametrize("words", [ENGLISH, CHINESE])
def test_words_are_there_for_everything(words: Words) -> None:
    assert set(words.names) == set(Condition)
    assert set(words.recovered) == set(Condition) - {Condition.RECOVERED}
    assert set(words.kinds) == set(MessageKind)
    assert set(words.resolutions) == set(Resolution) - {Resolution.RECOVERED}
    assert all("{value}" in text for text in words.conditions.values())


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", [it for it in MessageKind if it is not MessageKind.TEST])
@pytest.mark.parametrize("condition", [it for it in Condition if it is not Condition.RECOVERED])
def test_each_message_can_be_written(condition: Condition, kind: MessageKind, language: Language) -> None:
    alert = (
        make_resolved(condition, value=61.5)
        if kind is MessageKind.RESOLVE
        else make_alert(condition, value=61.5)
    )
    rendered = render(make_message(alert, kind=kind, language=language), Letterhead())
    assert "{" not in rendered.title + rendered.text
    assert rendered.link == ""


@pytest.mark.parametrize(
    "value, shown",
    [(0.25, "0.25 s"), (59.9, "59.9 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (-7, "-7 s")],
)
def test_durations(value: float, shown: str) -> None:
    rendered = render(make_message(make_alert(Condition.CLOCK_JUMP, value=value, subject="")), HEAD)
    assert rendered.title == f"[FIRING] the scheduler's clock jumped by {shown}"


def test_template_of_the_rule_is_filled_in() -> None:
    template = "$job/$app $run#$items on $where: $reason ($unknown, $severity) $link"
    rendered = render(make_message(template=template), HEAD)
    assert rendered.text == (
        "report/finance 17#3 on host-1: KeyError: 'x' ($unknown, CRITICAL) https://jobs.example/runs/17"
    )


def test_template_reaches_nothing_but_its_names() -> None:
    rendered = render(make_message(template="${job.__class__} {job} %(job)s $$"), HEAD)
    assert rendered.text == "${job.__class__} {job} %(job)s $"


def test_summary_is_one_line() -> None:
    rendered = render(make_message(make_alert(summary="a\nSubject: b\r\n\r\n" + "x" * 9000)), HEAD)
    (line,) = (line for line in rendered.text.splitlines() if line.startswith("Reason"))
    assert line.startswith("Reason: a Subject: b x")
    assert len(line) < 520


def test_links_escape_names() -> None:
    alert = make_alert(Condition.LATE, job_name="报表/1", run_id=0)
    assert HEAD.link_to(alert) == "https://jobs.example/jobs/%E6%8A%A5%E8%A1%A8%2F1"
    assert HEAD.link_to(make_alert(Condition.NO_AGENT, alert_id="a&1")) == "https://jobs.example/alerts?id=a%261"


def test_shortened_text_keeps_whole_letters() -> None:
    assert shorten("abc", 10) == "abc"
    short = shorten("报" * 100, 50)
    assert len(short.encode()) <= 50
    assert short.endswith("\n...")
    assert short.removesuffix("\n...") == "报" * 15
