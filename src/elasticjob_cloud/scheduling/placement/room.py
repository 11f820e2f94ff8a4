"""CPU and memory in whole numbers, so that what is reserved is exactly the sum of what is live."""

import math
from functools import lru_cache
from typing import NamedTuple


class Room(NamedTuple):
    """An amount of CPU (thousandths of one) and memory (KiB). Amounts asked for are rounded up."""

    milli_cpus: int
    memory_kib: int

    @classmethod
    @lru_cache(maxsize=4096)  # few sizes are in use, and each is asked for with every task
    def of(cls, cpu_count: float, memory_mb: float) -> "Room":
        """Give the room that these settings ask for."""
        return cls(math.ceil(cpu_count * 1000 - 1e-6), math.ceil(memory_mb * 1024 - 1e-6))

    def plus(self, other: "Room") -> "Room":
        """Give both together."""
        return Room(self.milli_cpus + other.milli_cpus, self.memory_kib + other.memory_kib)

    def minus(self, other: "Room") -> "Room":
        """Give what is left of this without the other; a part may be negative."""
        return Room(self.milli_cpus - other.milli_cpus, self.memory_kib - other.memory_kib)

    def beyond(self, other: "Room") -> "Room":
        """Give by how much this is larger than the other, of each amount; zero where it is not."""
        return Room(
            max(self.milli_cpus - other.milli_cpus, 0),
            max(self.memory_kib - other.memory_kib, 0),
        )

    def count_of(self, part: "Room") -> int:
        """Give how many times `part`, of which neither amount is zero, fits into this."""
        # The innermost line of placement: written out, it takes a quarter of the time of a loop over both amounts.
        if self.milli_cpus < part.milli_cpus or self.memory_kib < part.memory_kib:
            return 0
        return min(self.milli_cpus // part.milli_cpus, self.memory_kib // part.memory_kib)

    def __str__(self) -> str:
        """Give the amount as people write it."""
        return f"{self.milli_cpus / 1000:g} CPU and {self.memory_kib / 1024:g} MB"


NOTHING = Room(0, 0)
