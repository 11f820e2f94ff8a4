"""The REST API: `create_app` makes it, for a scheduler behind `service.port.SchedulerPort`."""

from elasticjob_cloud.api.access.auth import Authenticator
from elasticjob_cloud.api.access.users import AuthSettings, Role, User, check_exposure
from elasticjob_cloud.api.app import create_app
from elasticjob_cloud.api.settings import ApiSettings

__all__ = ["ApiSettings", "AuthSettings", "Authenticator", "Role", "User", "check_exposure", "create_app"]
