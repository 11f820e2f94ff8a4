"""The tests' own Ray cluster needs nothing that an earlier Ray left on the machine, and leaves nothing for a later one."""

from pathlib import Path

import pytest

from tests.clusters.ray_nodes import MISSING, RayCluster, has_ray

pytestmark = [pytest.mark.long, pytest.mark.skipif(not has_ray(), reason=MISSING)]


def test_cluster_keeps_its_address_where_no_other_ray_of_the_machine_looks_for_one() -> None:
    with RayCluster.started() as cluster:
        directory = Path(cluster.environment["RAY_TMPDIR"])
        assert (directory / "ray" / "ray_current_cluster").read_text() == cluster.address
    assert not directory.exists()
