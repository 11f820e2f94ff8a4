"""Whom TLS connections trust: the system's authorities, or those that the environment names."""

import os
import ssl
from functools import lru_cache


def trusted_context() -> ssl.SSLContext:
    """Return a context that verifies certificates and host names. It is kept: to read all authorities takes long."""
    return _context(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@lru_cache(maxsize=4)
def _context(_file: str, _directory: str) -> ssl.SSLContext:
    return ssl.create_default_context()  # which reads both variables itself
