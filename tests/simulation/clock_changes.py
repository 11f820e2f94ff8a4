"""A night in which clocks go back, with schedulers that crash in the hour that comes twice."""

import datetime as dt
import random

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration, JobExecutionType
from elasticjob_cloud.scheduling import commands
from tests.simulation.world import HOUR_MS, Hazards, World

# Berlin shows 2:00 to 3:00 twice: from 0:00 to 1:00 UTC, and from 1:00 to 2:00.
_FIRST_PASS_MS = round(dt.datetime(2026, 10, 25, tzinfo=dt.UTC).timestamp() * 1000)
_MINUTE_MS = HOUR_MS // 60
_APP = AppConfiguration(app_name="app", app_url="http://a/b.tar.gz", bootstrap_script="start", cpu_count=0.1)
_CRONS = (
    "0 5 2 * * ?",
    "0 20 2 * * ?",
    "40 31 2 ? * SUN",
    "0 0/7 * * * ?",
    "0/20 * * * * ?",
    "0 15,50 2 25 10 ? 2026",
)


def play_clocks_back(seed: int) -> World:
    """Play from the first pass into the second, with crashes and changed jobs; check the whole history."""
    quiet = Hazards(0, 0, 0, 0, 0, 0, 0)
    world = World(seed, quiet)
    chooser = random.Random(seed + 1)
    # No job is there yet that could mind that the clock is set.
    world.wall_offset_ms = _FIRST_PASS_MS + chooser.randrange(40) * _MINUTE_MS - world.monotonic_ms
    world.request(commands.PublishApp(_APP))
    jobs = [_job(chooser, f"job-{number}", cron) for number, cron in enumerate(_CRONS)]
    for job in jobs:
        world.request(commands.RegisterJob(job))
    world.run(1_000)
    world.hazards = Hazards(crash=0.03, agent_death=0, clock_jump=0)
    for job in jobs:
        world.after(chooser.randrange(HOUR_MS), lambda job=job: world.request(commands.UpdateJob(job)))  # type: ignore[misc]
    world.run(2 * HOUR_MS)
    world.request(commands.SetAppDisabled("app", disabled=True))
    world.hazards = quiet
    world.run(2 * HOUR_MS + HOUR_MS // 2)
    world.checker.check_end(quiet=True)
    return world


def _job(chooser: random.Random, name: str, cron: str) -> JobConfiguration:
    return JobConfiguration(
        job_name=name,
        app_name="app",
        job_execution_type=JobExecutionType.TRANSIENT,
        sharding_total_count=1,
        cpu_count=0.1,
        memory_mb=1,
        cron=cron,
        time_zone="Europe/Berlin",
        misfire=chooser.random() < 0.5,
        props={SCRIPT_COMMAND_LINE: "run"},
    )
