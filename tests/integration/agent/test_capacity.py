"""What an agent takes its machine to have, in control groups of all kinds."""

from pathlib import Path

import pytest

from elasticjob_cloud.agent.machine.capacity import describe_agent
from elasticjob_cloud.agent.machine.cgroups import ControlGroups
from elasticjob_cloud.agent.settings import AgentSettings

_GIBIBYTE = 1 << 30


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a place for the files of control groups."""
    (tmp_path / "system.slice" / "agent.service").mkdir(parents=True)
    return tmp_path


def groups(root: Path, membership: str = "0::/system.slice/agent.service\n") -> ControlGroups:
    (root / "membership").write_text(membership)
    return ControlGroups(root / "membership", root)


def test_tightest_limit_of_all_groups_above_counts(root: Path) -> None:
    (root / "system.slice" / "memory.max").write_text(f"{4 * _GIBIBYTE}\n")
    (root / "system.slice" / "agent.service" / "memory.max").write_text(f"{6 * _GIBIBYTE}\n")
    (root / "system.slice" / "agent.service" / "cpu.max").write_text("150000 100000\n")
    (root / "cpu.max").write_text("max 100000\n")
    assert groups(root).memory_bytes() == 4 * _GIBIBYTE
    assert groups(root).cpus() == 1.5


def test_container_sees_its_own_group_as_the_root(root: Path) -> None:
    (root / "memory.max").write_text(f"{_GIBIBYTE}\n")
    (root / "cpu.max").write_text("200000 100000\n")
    assert groups(root, "0::/\n").memory_bytes() == _GIBIBYTE
    assert groups(root, "0::/\n").cpus() == 2


@pytest.mark.parametrize("membership", ["", "12:cpu:/docker/abc\n", "0::/../../gone\n", "nonsense"])
def test_where_there_is_no_limit_or_no_group_nothing_is_limited(root: Path, membership: str) -> None:
    assert groups(root, membership).memory_bytes() is None
    assert groups(root, membership).cpus() is None
    assert ControlGroups(root / "missing", root).cpus() is None


@pytest.mark.parametrize("content", ["max\n", "", "many few\n", "0 0\n", "-1 100000\n"])
def test_limit_that_is_none_or_cannot_be_read_limits_nothing(root: Path, content: str) -> None:
    (root / "memory.max").write_text(content)
    (root / "cpu.max").write_text(content)
    assert groups(root).memory_bytes() is None
    assert groups(root).cpus() is None


def test_agent_offers_what_its_control_groups_leave_it(root: Path) -> None:
    settings = AgentSettings(memory_reserve_fraction=0.5)
    whole = describe_agent(settings, groups(root))
    (root / "system.slice" / "memory.max").write_text(f"{64 << 20}\n")
    (root / "system.slice" / "cpu.max").write_text("50000 100000\n")
    limited = describe_agent(settings, groups(root))
    assert (limited.cpus, limited.memory_mb) == (0.5, 32)
    assert whole.cpus >= 1
    assert whole.memory_mb > 32
