"""The words of messages, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from elasticjob_cloud.model.alerting.alert import Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.message import MessageKind
from elasticjob_cloud.model.alerting.rule import Language


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `names` are short, `conditions` have a figure; what is in braces is filled in."""

    kinds: Mapping[MessageKind, str]
    names: Mapping[Condition, str]
    conditions: Mapping[Condition, str]
    recovered: Mapping[Condition, str]
    resolutions: Mapping[Resolution, str]
    job: str
    many: str
    count_of: str
    run: str
    items: str
    since: str
    lasted: str
    where: str
    reason: str
    times: str
    console: str
    silence: str
    more: str
    test: str
    colon: str
    joint: str
    units: tuple[str, str, str, str]


ENGLISH: Final = Words(
    kinds={
        MessageKind.FIRE: "FIRING",
        MessageKind.RESOLVE: "RESOLVED",
        MessageKind.REMIND: "STILL FIRING",
        MessageKind.TEST: "TEST",
    },
    names={
        Condition.RUN_FAILED: "run failed",
        Condition.RECOVERED: "recovered",
        Condition.LATE: "run is late",
        Condition.STUCK: "run takes too long",
        Condition.NO_SUCCESS: "no successful run",
        Condition.DROPPED: "fires were dropped",
        Condition.UNPLACEABLE: "no agent could ever run it",
        Condition.FLAPPING: "daemon keeps restarting",
        Condition.AGENT_LOST: "agent was lost",
        Condition.NO_AGENT: "there is no agent",
        Condition.CLOCK_JUMP: "the scheduler's clock jumped",
        Condition.DATABASE_SLOW: "the database is slow",
        Condition.DISK_LOW: "disk is almost full",
    },
    conditions={
        Condition.LATE: "run is late, {value} so far",
        Condition.STUCK: "run has gone on for {value}",
        Condition.NO_SUCCESS: "no successful run for {value}",
        Condition.CLOCK_JUMP: "the scheduler's clock jumped by {value}",
        Condition.DATABASE_SLOW: "the database is slow, a commit took {value}",
        Condition.DISK_LOW: "disk is almost full, {value} free",
    },
    recovered={
        Condition.RUN_FAILED: "runs succeed again",
        Condition.LATE: "no run is late any more",
        Condition.STUCK: "the long run ended",
        Condition.NO_SUCCESS: "a run succeeded again",
        Condition.DROPPED: "no more fires are dropped",
        Condition.UNPLACEABLE: "an agent can run it again",
        Condition.FLAPPING: "the daemon no longer restarts",
        Condition.AGENT_LOST: "an agent is there again",
        Condition.NO_AGENT: "an agent is there again",
        Condition.CLOCK_JUMP: "the scheduler's clock is steady again",
        Condition.DATABASE_SLOW: "the database is fast again",
        Condition.DISK_LOW: "the disk has room again",
    },
    resolutions={
        Resolution.REMOVED: "the job was removed or disabled",
        Resolution.NOT_WATCHED: "a rule no longer watches this",
        Resolution.EXPIRED: "its host is gone",
    },
    job="Job {name}",
    many="{total} alerts",
    count_of="{count} × {what}",
    run="Run",
    items="Item",
    since="Since",
    lasted="Lasted",
    where="Where",
    reason="Reason",
    times="Times",
    console="Console",
    silence="Silence it",
    more="... and {count} more",
    test="This is a test message. The channel works.",
    colon=": ",
    joint=", ",
    units=(" d", " h", " min", " s"),
)

CHINESE: Final = Words(
    kinds={
        MessageKind.FIRE: "告警",
        MessageKind.RESOLVE: "已恢复",
        MessageKind.REMIND: "仍在告警",
        MessageKind.TEST: "测试",
    },
    names={
        Condition.RUN_FAILED: "运行失败",
        Condition.RECOVERED: "已恢复",
        Condition.LATE: "未按时启动",
        Condition.STUCK: "运行时间过长",
        Condition.NO_SUCCESS: "长时间没有成功运行",
        Condition.DROPPED: "触发被丢弃",
        Condition.UNPLACEABLE: "没有任何 agent 能运行该作业",
        Condition.FLAPPING: "常驻作业频繁重启",
        Condition.AGENT_LOST: "agent 失联",
        Condition.NO_AGENT: "没有可用的 agent",
        Condition.CLOCK_JUMP: "调度器时钟跳变",
        Condition.DATABASE_SLOW: "数据库变慢",
        Condition.DISK_LOW: "磁盘空间不足",
    },
    conditions={
        Condition.LATE: "未按时启动，已等待 {value}",
        Condition.STUCK: "运行时间过长，已运行 {value}",
        Condition.NO_SUCCESS: "已有 {value} 没有成功运行",
        Condition.CLOCK_JUMP: "调度器时钟跳变了 {value}",
        Condition.DATABASE_SLOW: "数据库变慢，一次提交耗时 {value}",
        Condition.DISK_LOW: "磁盘空间不足，仅剩 {value}",
    },
    recovered={
        Condition.RUN_FAILED: "运行恢复成功",
        Condition.LATE: "已无延迟启动的运行",
        Condition.STUCK: "超时的运行已结束",
        Condition.NO_SUCCESS: "恢复成功运行",
        Condition.DROPPED: "不再有触发被丢弃",
        Condition.UNPLACEABLE: "已有 agent 能运行该作业",
        Condition.FLAPPING: "常驻作业不再重启",
        Condition.AGENT_LOST: "agent 已恢复",
        Condition.NO_AGENT: "已有可用的 agent",
        Condition.CLOCK_JUMP: "调度器时钟恢复稳定",
        Condition.DATABASE_SLOW: "数据库恢复正常",
        Condition.DISK_LOW: "磁盘空间恢复",
    },
    resolutions={
        Resolution.REMOVED: "作业已删除或停用",
        Resolution.NOT_WATCHED: "规则不再监控此项",
        Resolution.EXPIRED: "主机已下线",
    },
    job="作业 {name}",
    many="{total} 条告警",
    count_of="{what} {count} 条",
    run="运行",
    items="分片",
    since="开始时间",
    lasted="持续时间",
    where="位置",
    reason="原因",
    times="次数",
    console="控制台",
    silence="静默",
    more="……另有 {count} 条",
    test="这是一条测试消息，通道工作正常。",
    colon="：",
    joint="，",
    units=(" 天", " 小时", " 分钟", " 秒"),
)

_WORDS: Final[Mapping[Language, Words]] = {Language.ENGLISH: ENGLISH, Language.CHINESE: CHINESE}


def words_of(language: Language) -> Words:
    """Give the words of a language."""
    return _WORDS[language]
