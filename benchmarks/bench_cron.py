"""What a next fire costs: `python benchmarks/bench_cron.py`.

The scheduler asks for one next fire after each fire, so this bounds how many fires a second it can plan.
"""

from __future__ import annotations

import tracemalloc
from datetime import datetime
from timeit import Timer
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression

CASES = [
    ("every second", "* * * * * ?", "UTC", "2026-05-05T03:03:03+00:00"),
    ("every five minutes", "0 0/5 * * * ?", "Asia/Shanghai", "2026-05-05T03:03:03+00:00"),
    ("daily", "0 30 2 * * ?", "America/New_York", "2026-05-05T12:00:00+00:00"),
    ("working days", "0 0 9 ? * MON-FRI", "Europe/London", "2026-05-08T12:00:00+00:00"),
    ("last working day", "0 0 9 LW * ?", "Europe/London", "2026-05-29T12:00:00+00:00"),
    ("29 February over 2100", "0 0 0 29 2 ?", "America/New_York", "2096-05-05T00:00:00+00:00"),
    ("29 February, a Friday", "0 0 0 ? 2 6#5", "America/New_York", "2008-05-05T00:00:00+00:00"),
    ("every second, at a gap", "* * * * * ?", "America/New_York", "2026-03-08T06:59:59+00:00"),
    ("daily, in a gap", "0 30 2 * * ?", "America/New_York", "2026-03-08T06:00:00+00:00"),
    ("never: 30 February", "0 0 0 30 2 ?", "America/New_York", "2026-05-05T00:00:00+00:00"),
    ("never: each year in a gap", "0 30 2 ? 3 1#2", "America/New_York", "2026-05-05T00:00:00+00:00"),
]
EXPRESSIONS = 20_000


def microseconds(timer: Timer) -> float:
    loops, _ = timer.autorange()
    return min(timer.repeat(repeat=3, number=loops)) / loops * 1e6


def measure_next_fire() -> None:
    for name, text, zone_name, start in CASES:
        expression, zone = CronExpression.parse(text), ZoneInfo(zone_name)
        after_ms = int(datetime.fromisoformat(start).timestamp()) * 1000
        timer = Timer(lambda e=expression, a=after_ms, z=zone: e.next_fire_ms(a, z))  # type: ignore[misc]
        print(f"{microseconds(timer):10.1f} us  {name}")


def measure_parse() -> None:
    texts = [f"{n % 60} {n // 60 % 60} {n // 3600} * * ?" for n in range(EXPRESSIONS)]
    numbered = iter(texts)
    seconds = Timer(lambda: CronExpression.parse(next(numbered))).timeit(number=EXPRESSIONS)
    print(f"{seconds / EXPRESSIONS * 1e6:10.1f} us  reading a new expression")
    again = Timer(lambda: CronExpression.parse(texts[-1]))
    print(f"{microseconds(again):10.1f} us  reading a known expression")


def measure_memory() -> None:
    texts = [f"{n % 60} {n // 60 % 60} {n // 3600} ? * *" for n in range(EXPRESSIONS)]
    tracemalloc.start()
    kept = [CronExpression.parse(text) for text in texts]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{held / len(kept):10.0f} bytes for each different expression")


if __name__ == "__main__":
    measure_next_fire()
    measure_parse()
    measure_memory()
