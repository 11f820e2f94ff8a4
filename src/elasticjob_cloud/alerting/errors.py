"""Why a message was not delivered."""

from elasticjob_cloud.model.errors import ElasticJobError


class DeliveryError(ElasticJobError):
    """A channel did not take a message. The text holds no secret.

    `is_final`: the same message would be refused again. `retry_after_seconds`: the channel asks to wait so long.
    """

    def __init__(self, message: str, *, is_final: bool = False, retry_after_seconds: float = 0) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.retry_after_seconds = retry_after_seconds
