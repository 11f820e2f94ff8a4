"""The scheduler raises its own limit of descriptors, and its agent's tasks keep the one that it was started with."""

import subprocess
import sys

_PROGRAM = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
from elasticjob_cloud.server.descriptors import inherited_descriptor_limit, raise_descriptor_limit
from elasticjob_cloud.server.engines import build_engine
from elasticjob_cloud.settings.scheduler import SchedulerSettings
raised = raise_descriptor_limit(400)
engine = build_engine(SchedulerSettings(time_zone="UTC", database_url="sqlite://", data_dir="/nowhere"))
print(raised, inherited_descriptor_limit(), engine._launcher._settings.open_files)
"""


def test_tasks_keep_the_limit_that_the_scheduler_was_started_with() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["400", "300", "300"], done.stderr
