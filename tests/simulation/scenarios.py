"""What users do in a world: apps and jobs of every kind, and random commands."""

import dataclasses
import random

import msgspec

from elasticjob_cloud.model.fire import FireState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration, JobExecutionType
from elasticjob_cloud.scheduling import CoreSettings, commands
from tests.simulation.alert_users import WATCH_ALL, random_alert_command
from tests.simulation.store_model import MemoryStore
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
    world = World(seed, Hazards(daemon_pause_ms=40_000))
    chooser = random.Random(seed + 1)
    apps = ["app-0", "app-1"]
    for name in apps:
        world.request(_publish(chooser, name))
    _use_alerts(world, random.Random(seed + 2), apps)
    jobs = [random_job(chooser, number, chooser.choice(apps)) for number in range(6)]
    for job in jobs:
        world.after(10, lambda job=job: world.request(commands.RegisterJob(job)))  # type: ignore[misc]
    for _ in range(240):
        world.after(chooser.randrange(HOUR_MS // 2), lambda: _act_randomly(world, chooser, apps))
    for _ in range(80):
        world.after(chooser.randrange(HOUR_MS // 2), lambda: world.request(act_on_runs(world.store, chooser)))
    try:
        world.run(HOUR_MS // 2)
        _quieten(world, apps)
        world.checker.check_end(quiet=True)
        world.alert_checker.check_end(world.checker.turn_times_ms[-1])
    except Exception as error:
        error.add_note("\n".join(world.history[-60:]))
        raise
    return world


def play_jumping_clocks(seed: int) -> World:
    """Play a minute and a half in which more comes due than a turn takes up, the clock jumps, and crashes follow at once."""
    hazards = Hazards(
        crash=0.1,
        clock_jump=0.1,
        agent_death=0,
        longest_task_seconds=3,
        clock_jumps_ms=(-1_500, 2_000, 5_000, 20_000),
        crash_gaps_ms=(10, 300, 5_000),
    )
    world = World(seed, hazards)
    chooser = random.Random(seed + 1)
    world.request(WATCH_ALL)
    world.request(_publish(chooser, "app-0"))
    world.after(5_000, lambda: world.request(_publish(chooser, "app-0")))
    for number in range(8):
        cron, zone = chooser.choice(
            (("* * * * * ?", ""), ("0/2 * * * * ?", ""), ("0/5 * * * * ?", "Asia/Shanghai"))
        )
        job = msgspec.structs.replace(
            random_job(chooser, number, "app-0"),
            job_execution_type=JobExecutionType.TRANSIENT,
            cron=cron,
            time_zone=zone,
        )
        for moment_ms in (10, 5_010):
            world.after(moment_ms, lambda job=job: world.request(commands.RegisterJob(job)))  # type: ignore[misc]
    try:
        world.run(HOUR_MS // 40)
        _quieten(world, ["app-0"], calm_ms=30_000)
        world.checker.check_end(quiet=True)
        world.alert_checker.check_end(world.checker.turn_times_ms[-1])
    except Exception as error:
        error.add_note("\n".join(world.history[-60:]))
        raise
    return world


def play_wrong_clocks(seed: int) -> World:
    """Play ten minutes in which the clock is hours or minutes ahead for a while, and users repair what that silenced."""
    hazards = Hazards(
        crash=0.03,
        clock_jump=0.03,
        agent_death=0,
        longest_task_seconds=3,
        clock_jumps_ms=(-2 * HOUR_MS, -240_000, -240_000, 240_000, 300_000, 2 * HOUR_MS),
        crash_gaps_ms=(10, 300, 5_000),
    )
    world = World(seed, hazards)
    chooser = random.Random(seed + 1)
    jobs = [
        msgspec.structs.replace(
            random_job(chooser, number, "app-0"),
            job_execution_type=JobExecutionType.TRANSIENT,
            cron=chooser.choice(("0/10 * * * * ?", "0/20 * * * * ?", "0 * * * * ?")),
        )
        for number in range(4)
    ]
    for moment_ms in (0, 5_000, 30_000):
        world.after(moment_ms, lambda: world.request(WATCH_ALL))
        world.after(moment_ms, lambda: world.request(_publish(chooser, "app-0")))
        for job in jobs:
            world.after(moment_ms + 10, lambda job=job: world.request(commands.RegisterJob(job)))  # type: ignore[misc]
    for _ in range(40):
        repair = chooser.choice((commands.ReconcileClock(), commands.UpdateJob(chooser.choice(jobs))))
        world.after(chooser.randrange(HOUR_MS // 6), lambda repair=repair: world.request(repair))  # type: ignore[misc]
    try:
        world.run(HOUR_MS // 6)
        _quieten(world, ["app-0"], calm_ms=200_000)
        world.checker.check_end(quiet=True)
        world.alert_checker.check_end(world.checker.turn_times_ms[-1])
    except Exception as error:
        error.add_note("\n".join(world.history[-60:]))
        raise
    return world


def play_slow_machine(seed: int) -> World:
    """Play a few days in which nobody leads for days, and each cron search costs the next leader time."""
    hazards = Hazards(
        crash=0.02,
        agent_death=0,
        clock_jump=0.01,
        cron_search_ms=10,
        clock_jumps_ms=(-5_000, 5_000, 30 * HOUR_MS),
        crash_gaps_ms=(1_000, 20 * HOUR_MS, 70 * HOUR_MS),
    )
    world = World(
        seed, hazards, settings=CoreSettings(fires_a_turn=20, misfire_limit=20, cron_searches_a_turn=200)
    )
    chooser = random.Random(seed + 1)
    for moment_ms in (0, HOUR_MS, 80 * HOUR_MS):  # nobody hears while nobody leads
        world.after(moment_ms, lambda: world.request(WATCH_ALL))
        world.after(moment_ms, lambda: world.request(_publish(chooser, "app-0")))
    for number in range(12):
        job = msgspec.structs.replace(
            random_job(chooser, number, "app-0", slow=True), cron=f"{number} {chooser.randrange(60)} * * * ?"
        )
        for moment_ms in (10, HOUR_MS + 10, 80 * HOUR_MS + 10):
            world.after(moment_ms, lambda job=job: world.request(commands.RegisterJob(job)))  # type: ignore[misc]
    try:
        with world.searches.counted():
            world.run(4 * 24 * HOUR_MS)
            world.hazards = dataclasses.replace(hazards, crash=0, clock_jump=0)
            world.run(7 * 24 * HOUR_MS)
            _quieten(world, ["app-0"])
        world.checker.check_end(quiet=True)
        world.alert_checker.check_end(world.checker.turn_times_ms[-1])
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


WORLDS = (
    play_wild,
    play_jumping_clocks,
    play_wrong_clocks,
    play_slow_machine,
)  # one scheduler at a time, each short


def _publish(chooser: random.Random, name: str) -> commands.PublishApp:
    cpus = chooser.choice((0.1, 1.0, 3.0))
    return commands.PublishApp(
        AppConfiguration(app_name=name, app_url="http://a/b.tar.gz", bootstrap_script="start", cpu_count=cpus)
    )


def _use_alerts(world: World, chooser: random.Random, apps: list[str]) -> None:
    world.request(WATCH_ALL)

    def act() -> None:
        world.request(random_alert_command(chooser, world.store, world.now().wall_ms, apps))

    for _ in range(60):
        world.after(chooser.randrange(HOUR_MS // 2), act)


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
                commands.ReconcileClock(),
                commands.DeleteApp(app_name) if chooser.random() < 0.2 else commands.TriggerJob(name),
                _publish(chooser, app_name),
                commands.KillTask(chooser.choice(live)) if live else commands.TriggerJob(name),
            )
        )
    )


def act_on_runs(store: MemoryStore, chooser: random.Random) -> commands.ApiCommand:
    """Choose what somebody asks of the runs of six jobs: with keys, with parameters, once more, or to end."""
    name = f"job-{chooser.randrange(6)}"
    fires = [store.fires[it] for it in sorted(store.fires)]
    live = [fire for fire in fires if fire.state in {FireState.WAITING, FireState.RUNNING}]
    own = commands.RunParameters(job_parameter="own", sharding_total_count=chooser.choice((1, 2, 4)))
    choices: list[commands.ApiCommand] = [
        commands.TriggerJob(name, own),
        *(commands.TriggerJob(name, idempotency_key=key) for key in "ab"),
    ]
    if live:
        fire = chooser.choice(live)
        choices += [commands.KillRun(fire.job_name, fire.fire_id)] * 2
    if fires:
        fire = chooser.choice(fires)
        items = tuple(chooser.sample(range(4), chooser.choice((0, 1, 2))))
        choices += [commands.RerunShards(fire.job_name, fire.fire_id, items)] * 3
    return chooser.choice(choices)


def _quieten(world: World, apps: list[str], calm_ms: int = HOUR_MS) -> None:
    calm = Hazards(0, 0, 0, 0, 0, 0, 0)
    world.hazards = dataclasses.replace(calm, cron_search_ms=world.hazards.cron_search_ms)
    elapsed_ms = world.monotonic_ms - 1_000_000
    world.run(elapsed_ms + calm_ms)  # a crash under way ends, and the scheduler is back
    world.checker.check_progress(world.now().wall_ms)
    for name in apps:
        world.request(commands.SetAppDisabled(name, disabled=True))
    world.run(elapsed_ms + calm_ms + max(calm_ms // 2, 120_000))  # channels hear of a kind each 30 s at most
