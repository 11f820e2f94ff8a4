"""Whom TLS connections trust, by one rule everywhere: the system's authorities, and those of one more file.

The system's are what OpenSSL finds, so `SSL_CERT_FILE` and `SSL_CERT_DIR` change them. The file is `--ca-file`,
`ELASTICJOB_CA_FILE` or `ca_file`; it adds to the others. Standard library only: the SDK uses it too.
"""

import os
import ssl
from functools import lru_cache
from pathlib import Path

from elasticjob_cloud.model.errors import CallerError

CA_FILE_VARIABLE = "ELASTICJOB_CA_FILE"
_WRONG_NAME = frozenset({62, 63, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, EMAIL_MISMATCH, IP_ADDRESS_MISMATCH
# Where systems keep them, for a Python that was built to look somewhere else.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def trusted_context(ca_file: str = "") -> ssl.SSLContext:
    """Return a context that verifies certificates and host names. It is kept: to read all authorities takes long.

    Args:
        ca_file: A PEM file of more authorities; by default the one that `ELASTICJOB_CA_FILE` names, if it does.

    Raises:
        CallerError: The file cannot be read, or holds no certificates.
    """
    ca_file = ca_file or os.environ.get(CA_FILE_VARIABLE, "")
    return _context(ca_file, _stamp(ca_file), *map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))


def certificate_fault(error: BaseException) -> str:
    """Say why a certificate was refused and what to do, if that is what an error or its cause is; else nothing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            said = cause.verify_message.rstrip(".")
            if cause.verify_code in _WRONG_NAME:
                return f"its certificate is another host's: {said}. Use the name that the certificate is for."
            return (
                f"its certificate is not trusted: {said}. If an authority of your own signed it, name that authority's "
                "PEM file by --ca-file, ELASTICJOB_CA_FILE or the setting ca_file."
            )
        cause = cause.__cause__ or cause.__context__
    return ""


def require_certificates(ca_file: str) -> None:
    """Raise `CallerError` unless this is a file of certificates."""
    _add_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca_file)


@lru_cache(maxsize=4)
def _context(
    ca_file: str, _stamp: tuple[int, int], _file: str | None, _directory: str | None
) -> ssl.SSLContext:
    context = ssl.create_default_context()  # which reads both variables itself
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        for path in filter(os.path.exists, _SYSTEM_FILES):
            context.load_verify_locations(path)
            break
    if ca_file:
        _add_authorities(context, ca_file)
    return context


def _add_authorities(context: ssl.SSLContext, ca_file: str) -> None:
    advice = "Name a PEM file of certificates by --ca-file, ELASTICJOB_CA_FILE or the setting ca_file."
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise CallerError(f"The CA file {ca_file} holds no certificates in PEM form. {advice}") from None
    except OSError as error:
        raise CallerError(f"The CA file {ca_file} cannot be read: {error.strerror}. {advice}") from None


def _stamp(ca_file: str) -> tuple[int, int]:
    # A file that was replaced is read again, without a restart.
    try:
        status = Path(ca_file).stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_ino
