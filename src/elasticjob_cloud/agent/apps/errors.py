"""Why an app cannot be had, told apart inside this package. Outside, both are `AppUnavailableError`."""

from elasticjob_cloud.model.errors import AppUnavailableError


class FetchError(AppUnavailableError):
    """The app could not be fetched or stored: the server's, the network's or the disk's fault.

    A version fetched earlier is used meanwhile (docs/decisions/0002).
    """


class ContentError(AppUnavailableError):
    """The app was fetched, but what the server has is not usable: not an archive, too large, or unsafe.

    A version fetched earlier is not used: its author has replaced it, and must hear of the mistake.
    """


class NoAppError(ContentError):
    """What came is no app at all: nothing, or a page that tells of an error or asks to log in.

    Nobody publishes that: it counts as no answer, and a version fetched earlier is used (docs/decisions/0002).
    """
