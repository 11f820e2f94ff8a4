"""What users do with a cluster while it falls apart."""

import asyncio
import random

from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.scheduling import commands
from tests.simulation.alert_users import WATCH_ALL
from tests.simulation.cluster.cluster import Cluster, ClusterHazards, play
from tests.simulation.scenarios import act_on_runs, random_job

_MINUTES = 10
_CALM_SECONDS = 300


def play_cluster(seed: int, hazards: ClusterHazards | None = None) -> Cluster:
    """Play ten minutes of mishaps, then a calm; check the whole history."""

    async def script(cluster: Cluster) -> None:
        chooser = random.Random(seed + 1)
        await _set_up(cluster, chooser)
        users = asyncio.create_task(_use(cluster, chooser))
        await cluster.misbehave(_MINUTES * 60)
        users.cancel()
        await _end(cluster)

    cluster = play(seed, hazards or ClusterHazards(), script)
    cluster.database.checker.check_end(quiet=True)
    assert cluster.database.alert_checker is not None, "this is the original"
    cluster.database.alert_checker.check_end(cluster.database.checker.turn_times_ms[-1])
    return cluster


async def _set_up(cluster: Cluster, chooser: random.Random) -> None:
    app = AppConfiguration(app_name="app", app_url="http://a/b.gz", bootstrap_script="b", cpu_count=0.5)
    await _insist(cluster, WATCH_ALL)
    await _insist(cluster, commands.PublishApp(app))
    for number in range(6):
        await _insist(cluster, commands.RegisterJob(random_job(chooser, number, "app")))


async def _use(cluster: Cluster, chooser: random.Random) -> None:
    while True:
        await asyncio.sleep(chooser.expovariate(1 / 10))
        name = f"job-{chooser.randrange(6)}"
        if chooser.random() < 0.3:
            await cluster.request(act_on_runs(cluster.database.rows, chooser))
            continue
        live = sorted(cluster.database.rows.tasks)
        command = chooser.choice(
            (
                commands.TriggerJob(name),
                commands.TriggerJob(name),
                commands.SetJobDisabled(name, disabled=chooser.random() < 0.3),
                commands.UpdateJob(random_job(chooser, int(name[4:]), "app")),
                commands.KillTask(chooser.choice(live)) if live else commands.TriggerJob(name),
            )
        )
        await cluster.request(command)


async def _end(cluster: Cluster) -> None:
    await asyncio.sleep(_CALM_SECONDS)
    cluster.database.checker.check_progress(cluster.read_clock().wall_ms, _CALM_SECONDS * 1000 // 2)
    await _insist(cluster, commands.SetAppDisabled("app", disabled=True))
    await asyncio.sleep(_CALM_SECONDS // 2)  # as in the other worlds: tasks end, and channels hear


async def _insist(cluster: Cluster, command: commands.ApiCommand) -> None:
    for _ in range(600):
        if await cluster.request(command):
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"nobody carried out {command}")
