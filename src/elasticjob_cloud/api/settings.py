"""What can be set about the REST API itself."""

from dataclasses import dataclass

from elasticjob_cloud.settings.scheduler import SchedulerSettings

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The API's own settings.

    Attributes:
        allowed_url_prefixes: What an `appURL` may begin with, such as `https://apps.example.com/releases/`.
        allowed_hosts: Names, besides loopback's, under which browsers may reach a server that asks for no real password.
        body_limit_bytes: The largest body that is read.
        reconcile_interval_seconds: The shortest time between two reconciliations on request.
        leader_wait_seconds: How long a call waits for a leader, where there is none at the moment.
        public_url: Where people reach the console; empty when nobody has said so.
    """

    allowed_url_prefixes: tuple[str, ...] = ("http://", "https://", "ftp://")
    allowed_hosts: tuple[str, ...] = ()
    body_limit_bytes: int = MEBIBYTE
    reconcile_interval_seconds: float = 10.0
    # As long as it may take until another scheduler leads.
    leader_wait_seconds: float = 6.0
    public_url: str = ""

    @classmethod
    def of(cls, settings: SchedulerSettings) -> "ApiSettings":
        """Take over what the scheduler's settings say about the API."""
        return cls(
            allowed_url_prefixes=settings.allowed_url_prefixes,
            allowed_hosts=settings.allowed_hosts,
            body_limit_bytes=int(settings.body_limit_bytes),
            public_url=settings.public_url,
        )
