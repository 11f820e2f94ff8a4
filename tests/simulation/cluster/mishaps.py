"""What goes wrong in a simulated cluster, by the dice of its seed."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.cluster.agent import HEARTBEAT_SECONDS, Machine
from tests.simulation.cluster.host import Host
from tests.simulation.cluster.store import SharedDatabase

if TYPE_CHECKING:
    from tests.simulation.cluster.cluster import Cluster


class Mishaps:
    """Schedulers, machines, networks, clocks and the database, each in its way."""

    def __init__(self, world: "Cluster") -> None:
        self._world = world

    async def run(self, seconds: float) -> None:
        """Let things go wrong for so long, and then mend all."""
        end = self._world.loop.time() + seconds
        while self._world.loop.time() < end:
            pause = self._world.random.expovariate(1 / self._world.hazards.seconds_between_mishaps)
            await asyncio.sleep(min(pause, max(0.0, end - self._world.loop.time()) + 0.01))
            self._world.random.choice(self._mishaps())()
        await asyncio.sleep(120)

    def _mishaps(self) -> tuple[Callable[[], None], ...]:
        cut = self._cut
        return (
            *(self._crash, self._freeze, self._retire, self._lose_database, self._freeze_far_from),
            *(self._freeze_machine, cut, cut, self._cut_link, self._restart, self._jump),
            *(self._fail_over, self._restore),
        )

    def _crash(self) -> None:
        host = self._world.random.choice(self._world.hosts)
        if host.leader is not None:
            host.crash()
            self._world.after(self._world.random.choice((10, 3_000, 30_000)), host.boot)

    def _freeze(self) -> None:
        self._freeze_host(
            self._world.random.choice(self._world.hosts), self._world.random.choice((1.0, 7.0, 30.0))
        )

    def _freeze_host(self, host: Host, seconds: float) -> None:
        if host.leader is not None:
            host.freeze(seconds)

    def _retire(self) -> None:
        host = self._world.random.choice(self._world.hosts)
        retired = host.leader
        host.retire()

        def boot_again() -> None:
            if host.leader is not None and host.leader is retired:
                self._world.after(1_000, boot_again)  # it is not down yet
            else:
                host.boot()

        self._world.after(self._world.random.choice((10, 3_000, 30_000)), boot_again)

    def _lose_database(self) -> None:
        self._world.random.choice(self._world.hosts).lose_database(
            self._world.random.choice((0.5, 3.0, 7.0, 40.0))
        )

    def _fail_over(self) -> None:
        """Move the database to another server, while a scheduler's readers stay at the former one."""
        host = self._world.random.choice(self._world.hosts)
        host.leave_readers_behind(self._world.random.choice((1.0, 30.0)))
        # What was written since is what a load from the former server lacks.
        self._world.after(self._world.random.choice((3_000, 10_000)), lambda: host.lose_database(0.5))

    def _restore(self) -> None:
        """Restore a backup of this moment, and have a scheduler of its own try it out."""
        if not self._world.drills and self._world.database.terms:
            self._drill(self._world.database.copy())

    def _drill(self, backup: SharedDatabase) -> None:
        known = [machine.obedience.lineage for machine in self._world.machines]
        if any(lineage is None or backup.lineage.follows(lineage) for lineage in known):
            # Until agents have heard of a later state, the copy is as good as the original.
            self._world.after(1_000, lambda: self._drill(backup))
            return
        drill = Host(self._world, "drill", backup)
        self._world.drills = [drill]
        self._world.all_drills.append(drill)

        def end() -> None:
            drill.crash()
            self._world.drills = []

        self._world.after(self._world.random.choice((10_000, 60_000)), end)

    def _cut_link(self) -> None:
        host, machine = (
            self._world.random.choice(self._world.hosts),
            self._world.random.choice(self._world.machines),
        )
        self._cut_off(host, machine, self._world.random.choice((500, 5_000, 12_000, 60_000)))

    def _freeze_far_from(self) -> None:
        """Freeze a leader for almost as long as a fence, while a machine is cut off from the other scheduler.

        Thawed, it alone could keep that machine's tasks alive, which the new leader gives to others soon.
        """
        leader = next((host for host in self._world.hosts if host.leads), None)
        if leader is not None:
            for host in self._world.hosts:
                if host is not leader:
                    self._cut_off(host, self._world.random.choice(self._world.machines), 60_000)
            self._freeze_host(leader, 9.6)

    def _cut_off(self, host: Host, machine: Machine, milliseconds: int) -> None:
        link = (host.name, machine.name)
        if link in self._world.cut_links:
            return
        self._world.log(f"{machine.name} is cut off from {host.name}")
        self._world.cut_links.add(link)
        machine.troubled_until = max(machine.troubled_until, self._world.loop.time() + milliseconds / 1000)

        def mend() -> None:
            self._world.cut_links.discard(link)
            host.engine.connection_broke(machine.agent.info.agent_id)
            self._world.log(f"{machine.name} is connected to {host.name} again")

        self._world.after(milliseconds, mend)

    def _freeze_machine(self) -> None:
        # For less than the fence: a machine that stands still for longer executes nothing meanwhile, and what its tasks
        # do in the instant between its thaw and its fence no program can know.
        machine = self._world.random.choice(self._world.machines)
        seconds = self._world.random.choice((0.5, 3.0, 8.0))
        if self._world.loop.time() - machine.troubled_until < HEARTBEAT_SECONDS * 5:
            return  # together with the trouble that it has just had it would be silent for too long
        machine.frozen_until = machine.troubled_until = self._world.loop.time() + seconds
        self._world.log(f"{machine.name} freezes for {seconds} s")

    def _cut(self) -> None:
        machine = self._world.random.choice(self._world.machines)
        if machine.frozen_until > self._world.loop.time():
            return
        machine.hears = self._world.random.random() < 0.3
        machine.is_heard = self._world.random.random() < 0.3
        self._world.log(f"{machine.name} is cut off: hears {machine.hears}, is heard {machine.is_heard}")

        def mend() -> None:
            machine.hears = machine.is_heard = True
            for host in self._world.hosts:
                host.engine.connection_broke(machine.agent.info.agent_id)
            self._world.log(f"{machine.name} is connected again")

        milliseconds = self._world.random.choice((500, 5_000, 12_000, 14_000, 16_000, 60_000))
        machine.troubled_until = max(machine.troubled_until, self._world.loop.time() + milliseconds / 1000)
        self._world.after(milliseconds, mend)

    def _restart(self) -> None:
        machine = self._world.random.choice(self._world.machines)
        self._world.log(f"the agent of {machine.name} dies")
        machine.restart()

    def _jump(self) -> None:
        jump_ms = self._world.random.choice((-60_000, -1_500, 1_500, 60_000))
        self._world.log(f"the clock jumps by {jump_ms} ms")
        self._world.wall_offset_ms += jump_ms
