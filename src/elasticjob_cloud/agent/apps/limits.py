"""How much an app may cost an agent."""

import msgspec

_GIBIBYTE = 1024**3


class AppLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What downloads, extraction and the cache may use. Each is a setting; docs/apps.md explains them to users."""

    download_bytes: int = _GIBIBYTE
    """The size of a download."""
    extracted_bytes: int = 4 * _GIBIBYTE
    """The size of all that an archive unfolds to."""
    file_count: int = 100_000
    """Files, directories and links together, those in between that an archive only implies included."""
    download_seconds: float = 300.0
    """A whole download, redirects included; extraction is not."""
    extraction_seconds: float = 600.0
    """Decompressing and extracting what was downloaded."""
    connect_seconds: float = 10.0
    idle_seconds: float = 30.0
    """Without a byte from the server."""
    allowed_url_prefixes: tuple[str, ...] = ("http://", "https://", "ftp://", "file://")
    """Where apps, and redirects of their downloads, may come from."""
    revalidate_seconds: float = 1.0
    """For how long an answer of the server is taken as still true, so that many shards cost one question."""
    revalidate_timeout_seconds: float = 5.0
    """How long the server may take to say whether an app changed, before that counts as no answer."""
    answer_wait_seconds: float = 1.0
    """How long a start waits for that while a version is cached; the question goes on without it."""
    stale_seconds: float = 10.0
    """For how long a server that gave no answer is not asked again, while the cached app is used."""
    max_concurrent_downloads: int = 64
    """Downloads and extractions at one time."""
    max_downloads_per_url: int = 4
    """Of these, of one URL: apps without cache download for each start."""
    ca_file: str = ""
    """A PEM file of authorities that downloads by https trust in addition to the system's (`model.trust`)."""
    cache_bytes: int = 10 * _GIBIBYTE
    """Beyond that, the least recently used versions that nobody holds are deleted."""
