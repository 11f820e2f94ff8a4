"""Which password the admin has where none was set."""

from collections.abc import Callable

import structlog
from pydantic import SecretStr

from elasticjob_cloud.api.access.peer_users import can_tell_users
from elasticjob_cloud.api.access.users import DEFAULT_PASSWORDS, AuthSettings, is_weak_password
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.urls import is_loopback
from elasticjob_cloud.server.files import make_data_dir
from elasticjob_cloud.settings.first_password import PASSWORD_FILE, first_password
from elasticjob_cloud.settings.scheduler import SchedulerSettings

_log = structlog.get_logger(__name__)


def settle_passwords(
    settings: SchedulerSettings, can_tell: Callable[[], bool] = can_tell_users
) -> SchedulerSettings:
    """Replace the default password by a random one where the user who connects cannot be told.

    Args:
        settings: As `load_settings` gave them.
        can_tell: Whether the user at the other end of a loopback connection can be told here.

    Raises:
        StartError: it is to serve without log-in, and cannot tell whom; or the password cannot be kept.
    """
    _warn_of_weak_passwords(settings)
    is_default = settings.admin_password.get_secret_value() in DEFAULT_PASSWORDS
    # Off loopback neither will do (`check_exposure`).
    if not (is_default or settings.no_auth) or not is_loopback(settings.host) or can_tell():
        return settings
    if settings.no_auth:
        raise StartError(
            "This system does not say which user connects, so that without log-in every user of the machine could "
            "command the scheduler: drop --no-auth."
        )
    make_data_dir(settings.data_dir)
    password = first_password(settings.data_dir)
    _log.warning(
        "This system does not say which user connects, so the default password is not used: the admin's is in a file.",
        user=settings.admin_username,
        file=str(settings.data_dir / PASSWORD_FILE),
    )
    return settings.model_copy(update={"admin_password": SecretStr(password)})


def _warn_of_weak_passwords(settings: SchedulerSettings) -> None:
    """Say whose password was set, and is refused to nearly everybody; the default ones are for trying out."""
    for user in AuthSettings.of(settings).users:
        if user.is_hashed or user.password in DEFAULT_PASSWORDS or settings.no_auth:
            continue
        if is_weak_password(user.name, user.password):
            _log.warning(
                "A password is weak (shorter than 8 characters, or the user's name): it serves only the user who "
                "started this scheduler, over loopback. Set a longer one.",
                user=user.name,
            )
