"""What a value of a setting may be: each function gives it in its final form, or raises `ValueError` with what it must be."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final

import argon2
from pydantic import AfterValidator, Field, FiniteFloat, SecretStr

from elasticjob_cloud.model.errors import CallerError
from elasticjob_cloud.model.jobs.names import user_name_problem
from elasticjob_cloud.model.trust import require_certificates
from elasticjob_cloud.model.urls import APP_SCHEMES, is_http_url
from elasticjob_cloud.time_zones.hints import time_zone_problem

ARGON2ID_PREFIX: Final = "$argon2id$"
_LEAST_RELEASE_SECONDS: Final = 30.0
URL_PREFIXES: Final = tuple(f"{scheme}://" for scheme in APP_SCHEMES)
_DATABASE_SCHEMES: Final = (
    "sqlite:",
    *(f"{name}{driver}:" for name in ("postgres", "postgresql") for driver in ("", "+psycopg")),
)


def known_zone(name: str) -> str:
    problem = time_zone_problem(name)
    if problem:
        raise ValueError(problem)
    return name


def readable_password(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if not text:
        raise ValueError("must not be empty")
    if text.startswith(ARGON2ID_PREFIX):
        try:
            argon2.extract_parameters(text)
        except argon2.exceptions.InvalidHashError:
            raise ValueError("begins as an argon2id hash, but is not a whole one") from None
    return password


def visible_name(name: str) -> str:
    problem = user_name_problem(name)
    if problem:
        raise ValueError(problem.rstrip("."))
    return name


def split(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def known_schemes(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    for prefix in prefixes:
        if not prefix.lower().startswith(URL_PREFIXES):
            raise ValueError(f"must have prefixes that each begin with one of {', '.join(URL_PREFIXES)}")
    return prefixes


def known_database(url: str) -> str:
    url = url.strip()
    # What follows the scheme is read by the store (`store/databases/url.py`).
    if url and not url.lower().startswith(_DATABASE_SCHEMES):
        raise ValueError("must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
    return url


def certificates(ca_file: str) -> str:
    if not ca_file:
        return ca_file
    path = str(whole_path(Path(ca_file)))
    try:
        require_certificates(path)
    except CallerError:
        raise ValueError("must be a PEM file of certificates that can be read") from None
    return path


def zero_or_long(seconds: float) -> float:
    if 0 < seconds < _LEAST_RELEASE_SECONDS:
        raise ValueError(
            f"must be 0 (nodes are kept) or at least {_LEAST_RELEASE_SECONDS:g}: a released node takes seconds to "
            "come back"
        )
    return seconds


def networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for network in networks:
        try:
            parsed = ipaddress.ip_network(network)
        except ValueError as error:
            raise ValueError(f"must be addresses and CIDR networks such as 10.0.0.0/24; {error}") from None
        if parsed.prefixlen == 0:
            raise ValueError(
                f"must not be all addresses ({network}): any caller could then claim any address"
            )
    return networks


def host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if any(sign in name for sign in "/@ ") or name.rpartition(":")[2].isdigit():
            raise ValueError(f"must be host names without scheme, port or path, not '{name}'")
    return names


def http_url(url: str) -> str:
    if url and not is_http_url(url):
        raise ValueError("must be an http:// or https:// URL with a host, and a port up to 65535 if any")
    return url.rstrip("/")


def whole_path(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with ~, and this user has no home directory; give the whole path") from None


def lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


PositiveNumber = Annotated[FiniteFloat, Field(gt=0)]
UserName = Annotated[str, Field(min_length=1), AfterValidator(visible_name)]
Password = Annotated[SecretStr, AfterValidator(readable_password)]
