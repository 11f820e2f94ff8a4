"""What can be set about alerts."""

from dataclasses import dataclass

from elasticjob_cloud.alerting import Letterhead


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How messages look. `public_url`: the console's address in them; `time_zone`: of the times in them."""

    public_url: str = ""
    time_zone: str = "UTC"

    @property
    def head(self) -> Letterhead:
        """What is the same in all messages."""
        return Letterhead(self.public_url, self.time_zone)
