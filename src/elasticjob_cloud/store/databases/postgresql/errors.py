"""What PostgreSQL's errors mean to an operator. No message shows a password: libpq's and the server's do not."""

import re
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

from elasticjob_cloud.model.errors import BugError, ElasticJobError, StoreUnavailableError

_GONE: Final = "cannot be reached"
# The longest beginning of an SQLSTATE that fits counts.
_WORLD: Final = {
    "08": f"{_GONE}. Look at the server and the network.",
    "25006": "takes no writes: it is a standby, or was made read-only. Give the address of the primary.",
    "25P03": "ended our transaction, as nothing came for too long. Look at whether this machine or the network stalls.",
    "28": "refuses our login. Give the right user and password in the database URL.",
    "3D000": "does not exist. Create it (docs/database.md), or give another name in the database URL.",
    "40": "was used by another scheduler at the same moment. Try again.",
    "42501": "denies us a right. Let the role of the database URL own the database (docs/database.md).",
    "53100": "is full: there is no room left on its disk. Free some, and scheduling goes on.",
    "53200": "is out of memory. Look at the server.",
    "53300": "has no connection left for us. Raise max_connections, or end other programs' connections.",
    "53": "has not enough resources. Look at the server.",
    "55P03": "is locked by another session. Let only schedulers write to it, and end other programs that lock its tables.",
    "55006": "is used by another session at the moment. Try again.",
    "57014": "takes too long for a statement. Look at whether the server is overloaded.",
    "57P": f"{_GONE}: the server is stopping, starting or was restarted. Scheduling goes on when it is back.",
    "58": "cannot be read or written (I/O error). Look at the server's disk and log.",
    "XX001": "is damaged. Stop the schedulers and restore it from a backup.",
    "XX002": "is damaged: an index is. Stop the schedulers, and REINDEX it or restore it from a backup.",
}
# A refused connection has no SQLSTATE, only a text; in another language than English it gets the last advice below.
_REFUSALS: Final = (
    (r"password authentication failed|authentication failed", _WORLD["28"]),
    (r"no password supplied", "asks for a password. Give one in the database URL."),
    (
        r"no pg_hba\.conf entry",
        "does not let us in. Add a line for this machine to the server's pg_hba.conf.",
    ),
    (r'database ".*" does not exist', _WORLD["3D000"]),
    (r'role ".*" (does not exist|is not permitted)', _WORLD["28"]),
    (r"too many clients|connection slots|too many connections", _WORLD["53300"]),
    (r"session is read-only|hot standby", _WORLD["25006"]),
    (r"the database system is|terminating connection", _WORLD["57P"]),
    (r"invalid connection option", "has a URL with an option that libpq does not know. Correct it."),
    (r"SSL connection has been closed|SSL SYSCALL error", _WORLD["08"]),
    (
        r"(?-i:\bSSL\b)|sslmode|certificate",
        f"{_GONE} as the URL's sslmode asks for. Change that, or the server's certificate.",
    ),
    (r"translate host name|resolve host", f"{_GONE}: there is no such host. Look at the database URL."),
)
_REFUSED: Final = f"{_GONE}. Look at the server, the network and the address in the database URL."


def explain(error: DBAPIError, where: str, *, committing: bool) -> ElasticJobError:
    """Give the error of ours; `where` names the database without its password."""
    cause = error.orig
    # Whoever was cut off before COMMIT was answered cannot know; in every other case nothing is there.
    unknown = committing and error.connection_invalidated
    code = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if code is not None:
        words = next((_WORLD[code[:size]] for size in (5, 3, 2) if code[:size] in _WORLD), None)
    elif isinstance(cause, psycopg.OperationalError) or "invalid connection option" in str(cause):
        words = _refusal(str(cause))
    else:
        words = None
    if words is None:
        return BugError(f"The database {where} refused a statement of ours: {cause}")
    return StoreUnavailableError(f"The database {where} {words}", outcome_unknown=unknown)


def _refusal(text: str) -> str:
    """Give the advice for a connection that was refused or lost, and what libpq said, which is often plainer."""
    said = " ".join(text.split())
    advice = next((words for phrase, words in _REFUSALS if re.search(phrase, said, re.IGNORECASE)), _REFUSED)
    return f"{advice} ({said})"
