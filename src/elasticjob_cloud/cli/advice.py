"""What the scheduler advises in terms of its REST API, in terms of the command line."""

from collections.abc import Mapping
from typing import Final

_COMMANDS: Final[Mapping[str, str]] = {
    "Publish it with POST /api/app.": "Publish it with: elasticjob-cloud app publish APP_NAME ...",
    "Change it with PUT /api/app, or delete it first.": (
        "Change it with: elasticjob-cloud app update APP_NAME ..., "
        "or delete it first: elasticjob-cloud app delete APP_NAME"
    ),
    "Register it with POST /api/job/register.": (
        "Register it with: elasticjob-cloud job register JOB_NAME --app-name APP_NAME ..."
    ),
    "Set one with PUT /api/alert/channels/NAME.": (
        "Set one with: elasticjob-cloud alert channels set NAME --type TYPE --address URL"
    ),
    "GET /api/alert/events lists them.": "List them with: elasticjob-cloud alert list --all",
    "Change it with PUT /api/job/update.": "Change it with: elasticjob-cloud job update JOB_NAME ...",
}


def advise_commands(message: str) -> str:
    """Replace each call that a message of the scheduler advises by a command; the rest stays."""
    for call, command in _COMMANDS.items():
        message = message.replace(call, command)
    return message
