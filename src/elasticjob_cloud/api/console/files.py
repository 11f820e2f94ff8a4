"""The files that the console's build has made: read once, so that an upgrade under a running server mixes nothing."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

INDEX: Final = "index.html"
# What a browser may be offered: its name there, and how its file's name ends. The first is the smallest.
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "gif": "image/gif",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "mjs": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
}
_OTHER_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """One file, and its compressed forms by the name of their encoding."""

    media_type: str
    content: bytes
    encoded: Mapping[str, bytes] = field(default_factory=dict)
    tag: str = ""

    def accepted(self, accept_encoding: str) -> tuple[str, bytes]:
        """Give the smallest form that a browser takes, with its encoding; "" is none."""
        accepts = _accepted_encodings(accept_encoding)
        for name, _ in _ENCODINGS:
            if name in self.encoded and accepts.get(name, accepts.get("*", False)):
                return name, self.encoded[name]
        return "", self.content


@dataclass(frozen=True, slots=True)
class ConsoleFiles:
    """The page as the build left it, and all other files by their path below the server's."""

    page: str = ""
    by_path: Mapping[str, ConsoleFile] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.page)

    @classmethod
    def load(cls, folder: Traversable) -> "ConsoleFiles":
        """Read a build; nothing where there is none."""
        index = folder / INDEX
        if not index.is_file():
            return cls()
        contents = dict(_walk(folder, ""))
        page = contents.pop(f"/{INDEX}").decode()
        suffixes = tuple(suffix for _, suffix in _ENCODINGS)
        by_path = {
            path: ConsoleFile(
                _MEDIA_TYPES.get(path.rpartition(".")[2], _OTHER_TYPE),
                content,
                {name: contents[path + suffix] for name, suffix in _ENCODINGS if path + suffix in contents},
                hashlib.sha256(content).hexdigest()[:32],
            )
            for path, content in contents.items()
            if not path.endswith(suffixes)
        }
        return cls(page, by_path)

    @classmethod
    def built(cls) -> "ConsoleFiles":
        """Read the build that this installation has."""
        return cls.load(files("elasticjob_cloud.api.console") / "built")


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for child in folder.iterdir():
        if child.name.startswith("."):
            continue
        if child.is_dir():
            yield from _walk(child, f"{path}/{child.name}")
        else:
            yield f"{path}/{child.name}", child.read_bytes()


def _accepted_encodings(header: str) -> dict[str, bool]:
    """Say of each encoding that the header names whether it is taken: `q=0` refuses it."""
    accepts = {}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((each.partition("=")[2] for each in parameters if each.startswith("q=")), "1")
        try:
            accepts[name] = float(quality) > 0
        except ValueError:
            accepts[name] = False
    return accepts
