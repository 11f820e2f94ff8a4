"""What users do in a world: apps and jobs of every kind, and random commands."""

import random

from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.job import SCRIPT_COMMAND_LINE, JobConfiguration, JobExecutionType
from elasticjob_cloud.scheduling import commands
from tests.simulation.world import HOUR_MS, Hazards, World

_CRONS = (
    ("0/5 * * * * ?", ""),
    ("0/20 * * * * ?", ""),
    ("0 * * * * ?", "Asia/Shanghai"),
    ("0 0/7 * * * ?", ""),
    ("0 0 * * * ?", "America/New_York"),
    ("0 30 2 * * ?", "Europe/Berlin"),
    ("", ""),
)
_SLOW_CRONS = (("0 0 * * * ?", ""), ("0 15 0/3 * * ?", "Asia/Shanghai"), ("0 30 2 * * ?", "Europe/Berlin"))


def random_job(chooser: random.Random, number: int, app_name: str, *, slow: bool = False) -> JobConfiguration:
    """Make a job: script or SDK, with and without misfire and failover, now and then DAEMON or too large."""
    cron, zone = chooser.choice(_SLOW_CRONS if slow else _CRONS)
    daemon = not slow and chooser.random() < 0.1
    return JobConfiguration(
        job_name=f"job-{number}",
        app_name=app_name,
        job_execution_type=JobExecutionType.DAEMON if daemon else JobExecutionType.TRANSIENT,
        sharding_total_count=chooser.choice((1, 1, 2, 3, 5)),
        cpu_count=chooser.choice((0.001, 0.1, 0.5)),
        memory_mb=chooser.choice((1, 64, 100.5)),
        cron="" if daemon else cron,
        time_zone="" if daemon else zone,
        failover=chooser.random() < 0.5,
        misfire=chooser.random() < 0.5,
        props={SCRIPT_COMMAND_LINE: "run"} if chooser.random() < 0.5 else {},
    )


def play_wild(seed: int) -> World:
    """Play half an hour with every hazard and users that change things all the time; check the whole history."""
    world = World(seed, Hazards())
    chooser = random.Random(seed + 1)
    apps = ["app-0", "app-1"]
    for name in apps:
        world.request(_publish(chooser, name))
    jobs = [random_job(chooser, number, chooser.choice(apps)) for number in range(6)]
    for job in jobs:
        world.after(10, lambda job=job: world.request(commands.RegisterJob(job)))  # type: ignore[misc]
    for _ in range(240):
        world.after(chooser.randrange(HOUR_MS // 2), lambda: _act_randomly(world, chooser, apps))
    try:
        world.run(HOUR_MS // 2)
        _quieten(world, apps)
        world.checker.check_end(quiet=True)
    except Exception as error:
        error.add_note("\n".join(world.history[-60:]))
        raise
    return world


def play_calm_days(seed: int, *, jobs: int, days: int) -> World:
    """Play days of many slow jobs with few hazards: the cost of time and numbers."""
    hazards = Hazards(
        crash=0.001,
        reconnect=0.0005,
        agent_death=0.0002,
        agent_drain=0.0002,
        clock_jump=0,
        longest_task_seconds=30,
        longest_commit_ms=200,
    )
    world = World(seed, hazards, agents=12)
    world.check_room_every = 50
    chooser = random.Random(seed + 1)
    world.request(_publish(chooser, "app-0"))
    for number in range(jobs):
        job = random_job(chooser, number, "app-0", slow=True)
        world.after(10, lambda job=job: world.request(commands.RegisterJob(job)))  # type: ignore[misc]
    world.run(days * 24 * HOUR_MS)
    _quieten(world, ["app-0"])
    world.checker.check_end(quiet=True)
    return world


def _publish(chooser: random.Random, name: str) -> commands.PublishApp:
    cpus = chooser.choice((0.1, 1.0, 3.0))
    return commands.PublishApp(
        AppConfiguration(app_name=name, app_url="http://a/b.tar.gz", bootstrap_script="start", cpu_count=cpus)
    )


def _act_randomly(world: World, chooser: random.Random, apps: list[str]) -> None:
    app_name = chooser.choice(apps)
    job = random_job(chooser, chooser.randrange(8), app_name)
    name = job.job_name
    live = sorted(world.store.tasks)
    world.request(
        chooser.choice(
            (
                commands.TriggerJob(name),
                commands.TriggerJob(name),
                commands.TriggerJob(name),
                commands.RegisterJob(job),
                commands.UpdateJob(job),
                commands.DeregisterJob(name),
                commands.SetJobDisabled(name, disabled=True),
                commands.SetJobDisabled(name, disabled=False),
                commands.SetJobDisabled(name, disabled=False),
                commands.SetAppDisabled(app_name, disabled=True),
                commands.SetAppDisabled(app_name, disabled=False),
                commands.SetAppDisabled(app_name, disabled=False),
                commands.UpdateApp(app_name, {"cpu_count": 0.5}),
                commands.DeleteApp(app_name) if chooser.random() < 0.2 else commands.TriggerJob(name),
                _publish(chooser, app_name),
                commands.KillTask(chooser.choice(live)) if live else commands.TriggerJob(name),
            )
        )
    )


def _quieten(world: World, apps: list[str]) -> None:
    world.hazards = Hazards(0, 0, 0, 0, 0, 0, 0)
    elapsed_ms = world.monotonic_ms - 1_000_000
    world.run(elapsed_ms + HOUR_MS)  # a crash under way ends, and the scheduler is back
    world.checker.check_progress(world.now().wall_ms)
    for name in apps:
        world.request(commands.SetAppDisabled(name, disabled=True))
    world.run(elapsed_ms + HOUR_MS + HOUR_MS // 2)
