"""How full a disk is, and which disk holds a directory."""

import os
from pathlib import Path

from elasticjob_cloud.model.disks import Disk, measure_disk, measure_disks
from elasticjob_cloud.model.messages import AgentInfo, host_in_agent_id


def test_disk_is_named_by_where_it_is_mounted_and_measured_once() -> None:
    root = measure_disk(Path("/"))
    assert root.mount_point == "/"
    assert 0 <= root.free_percent <= 100
    here = measure_disk(Path.cwd())
    assert os.path.ismount(here.mount_point)
    disks = measure_disks([Path("/"), Path("/is/not/there"), Path("/")])
    assert [disk.mount_point for disk in disks] == ["/"]


def test_fullest_disk_is_the_one_with_the_least_room_in_proportion() -> None:
    info = AgentInfo("host-1-0a", "host-1", "127.0.0.1", 1, 1)
    assert info.fullest_disk is None
    small, large, empty = Disk("/", 50, 100), Disk("/data", 100, 10_000), Disk("/proc", 0, 0)
    with_disks = AgentInfo("host-1-0a", "host-1", "127.0.0.1", 1, 1, disks=(small, large, empty))
    assert with_disks.fullest_disk == large


def test_host_is_known_by_the_id_of_an_agent() -> None:
    assert AgentInfo("host-1-0a", "its.other.name", "127.0.0.1", 1, 1).host_in_id == "host-1"
    assert host_in_agent_id("agent") == "agent"
