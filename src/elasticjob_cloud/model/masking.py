"""What is secret in a configuration, a URL or a message, and is shown as `***`: one rule for API, command line and agent."""

import functools
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

MASK: Final = "***"
# Found anywhere in a name: `dbPassword`, `MY_API_TOKEN_2`.
_SECRET_PARTS: Final = re.compile(
    r"passw|passphrase|passcode|pwd|secret|token|credential|webhook|signature|authorization|cookie|bearer"
    r"|(api|access|private|account|shared|encrypt\w*|sign\w*|ssh|aes|rsa|auth|master|storage|license)[-_. ]?key"
    r"|密码|口令|密钥|令牌|凭证|凭据|签名",
    re.IGNORECASE,
)
# Secret only as a word of its own: `sign` is, and `design` is not.
_SECRET_WORDS: Final = frozenset({"sign", "sig", "key", "keys", "auth", "cred", "creds", "psk", "pat", "otp"})
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# `webhook.read.timeout` and `token.ttl.seconds` are numbers about a secret.
_ABOUT: Final = re.compile(
    r"(timeout|milliseconds|millis|seconds|minutes|count|size|limit|enabled)$", re.IGNORECASE
)
# What a URL's query calls a secret, and nothing else does (Azure Functions, OAuth).
_SECRET_PARAMETERS: Final = frozenset({"code"})

_USER_INFORMATION: Final = re.compile(
    # A slash in a password ought to be encoded, and is not always.
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/?#\"'<>]+|[^\s/?#@:]*:(?!\d+/)[^\s@\"'<>]{1,500})@"
)
_BARE_USER_INFORMATION: Final = re.compile(r"(?<![\w.-])(?P<user>[\w.-]+:)[^\s/@:\"'<>]+@(?=[\w.\[-])")
# Anyone who knows the address of an incoming webhook may send.
_HOOK_PATH: Final = re.compile(
    r"(?P<kept>https?://[^\s/?#\"']{1,253}/(?:[^\s?#\"']{0,500}/)?(?:hooks?/|webhooks?/|services/(?=T)|bot(?=\d+:)))"
    r"[^\s?#\"'<>]+",
    re.IGNORECASE,
)
_NAME: Final = re.compile(  # Only an option (`--password x`) has its value behind a space.
    r"""(?P<name>(?<![\w%.-])(?P<dash>--?)?[\w%.-]*[\w%])\\?["']?(?P<sign>\s*[:=]\s*|(?(dash)\s+|(?!)))"""
)
# A value ends at a separator that another name follows, since a password may hold one.
_VALUE: Final = re.compile(
    r"""(?:bearer|basic|digest)\s+[^\s"',;]+|\\?"(?:[^"\\]|\\[^"]|(?<!\\)\\")*(?:\\?")?|'[^']*'?"""
    r"""|[^\s&;,"'<>{}\[\]](?:[^\s&;,"'<>}\]]|[;,&](?![;,&]|\s|$|["']?[\w.%-]+["']?\s*[:=]))*""",
    re.IGNORECASE,
)
_VARIABLE: Final = re.compile(r"""["']?\$(\{|[A-Z_]+\b)""")
_SCHEME: Final = re.compile(r"\b(?P<scheme>Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
# Secrets that can be told by their form.
_KNOWN_FORMS: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,500}\.[\w-]{8,}\.?[\w-]*"
    r"|\b(?:ghp|gho|ghu|ghs|ghr|glpat|github_pat|sk|pk|rk|xox[abprs]|npm|pypi|hf)[-_][\w-]{16,}"
    r"|\b(?:AKIA|ASIA|LTAI|AKID)[A-Za-z0-9]{12,}\b"
)
_LONG_RANDOM: Final = re.compile(
    r"(?<![\w/+.-])(?=[\w+-]*[0-9])(?=[\w+-]*[a-z])(?=[\w+-]*[A-Z])[A-Za-z0-9_+-]{24,}={0,2}(?![\w/+.-])"
)
MASKED_FIELDS: Final = (
    "appURL",
    "bootstrapScript",
    "jobParameter",
    "shardingItemParameters",
    "description",
)
_REMEMBERED_LENGTH: Final = 1024
_SHORTEST_SECRET: Final = 16  # of those that have neither a name nor a URL


@functools.lru_cache(maxsize=16_384)
def is_secret_name(name: str) -> bool:
    """Tell whether what has this name is a secret: a password, token, key, credential, webhook, signature ..."""
    name = unquote(name)
    if _ABOUT.search(name):
        return False
    if _SECRET_PARTS.search(name):
        return True
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(word in _SECRET_WORDS for word in words) or words[-1:] == ["pass"]


def mask_text(text: str) -> str:
    """Give a text without what looks secret in it: parts of URLs, and values whose names say that they are secret."""
    # Lists of thousands of jobs are asked for again and again.
    return _mask_text(text) if len(text) > _REMEMBERED_LENGTH else _mask_known_text(text)


def _mask_text(text: str) -> str:
    if len(text) < _SHORTEST_SECRET and not any(sign in text for sign in ":=- "):
        return text
    text = _mask_forms(text)
    text = _mask_assignments(text, is_secret_name)
    text = _SCHEME.sub(rf"\g<scheme> {MASK}", text)
    return _LONG_RANDOM.sub(MASK, text)


_mask_known_text: Final = functools.lru_cache(maxsize=65_536)(_mask_text)


def mask_message(text: str) -> str:
    """Give a message or trace without secrets. Not as strict: `KeyError: 'x'` names no secret."""
    text = _mask_forms(text)
    text = _mask_assignments(
        text, lambda name: is_secret_name(name) and _SECRET_PARTS.search(unquote(name)) is not None
    )
    return _SCHEME.sub(rf"\g<scheme> {MASK}", text)


def mask_record(_logger: object, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask the texts of a log record; a processor of structlog."""
    for name, value in record.items():
        if isinstance(value, str):
            record[name] = mask_message(value)
    return record


def mask_props(props: Mapping[str, str]) -> dict[str, str]:
    """Give the props of a job without secrets."""
    return {
        name: (MASK if value else value) if is_secret_name(name) else mask_text(value)
        for name, value in props.items()
    }


def mask_configuration(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give an app or a job, by the manual's names, without secrets."""
    masked = dict(fields)
    for name in MASKED_FIELDS:
        if isinstance(fields.get(name), str):
            masked[name] = mask_text(fields[name])
    if isinstance(fields.get("props"), dict):
        masked["props"] = mask_props(fields["props"])
    return masked


def _mask_forms(text: str) -> str:
    text = _KNOWN_FORMS.sub(MASK, text)
    if "://" in text:
        text = _USER_INFORMATION.sub(rf"\g<scheme>{MASK}@", text)
        text = _HOOK_PATH.sub(rf"\g<kept>{MASK}", text)
    return _BARE_USER_INFORMATION.sub(rf"\g<user>{MASK}@", text) if "@" in text else text


def _mask_assignments(text: str, is_secret: Callable[[str], bool]) -> str:
    """Mask the values of names that are secret: `name=value`, `"name": "value"`, `--name value`, in a URL's query."""
    parts: list[str] = []
    done = position = 0
    while (match := _NAME.search(text, position)) is not None:
        position = match.end("name")
        if not _names_secret(match, is_secret):
            continue
        value = _VALUE.match(text, match.end())
        if value is None or _VARIABLE.match(value[0]):
            continue
        if not match["sign"].strip() and value[0].startswith("-"):  # the next option
            continue
        mark = re.match(r"\\?[\"']?", value[0])
        marks = mark[0] if mark is not None else ""
        parts += [text[done : value.start()], marks, MASK, marks]
        done = position = value.end()
    return "".join((*parts, text[done:])) if parts else text


def _names_secret(match: re.Match[str], is_secret: Callable[[str], bool]) -> bool:
    name = match["name"]
    if match.start() > 0 and match.string[match.start() - 1] in "?&":
        return is_secret_name(name) or unquote(name).lower() in _SECRET_PARAMETERS
    return is_secret(name)
