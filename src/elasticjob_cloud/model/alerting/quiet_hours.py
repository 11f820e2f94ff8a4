"""Hours of the day in which messages wait, unless they are critical."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another (`22:00` to `07:00` goes over midnight), in a time zone."""

    start: str
    end: str
    time_zone: str = "UTC"

    def quiet_until_ms(self, now_ms: int) -> int:
        """Give when the quiet hours end that hold now, or 0 when none do."""
        zone = ZoneInfo(self.time_zone)
        local = dt.datetime.fromtimestamp(now_ms / 1000, zone)
        start, end = dt.time.fromisoformat(self.start), dt.time.fromisoformat(self.end)
        time = local.time()
        is_quiet = start <= time < end if start < end else time >= start or time < end
        if not is_quiet:
            return 0
        day = local.date() + dt.timedelta(days=1 if time >= end else 0)
        ends = dt.datetime.combine(day, end, zone)
        # An hour that is skipped or comes twice: never before now.
        return max(int(ends.timestamp() * 1000), now_ms + 1)


def is_time_of_day(text: str) -> bool:
    """Tell whether a text is a time such as `07:30`."""
    try:
        dt.time.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 5
