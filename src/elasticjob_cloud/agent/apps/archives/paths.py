"""Where an archive's members may go: pure rules, so that they can be tried with any name there is."""

import os
from collections.abc import Mapping

from elasticjob_cloud.agent.apps.errors import ContentError

Parts = tuple[str, ...]

MAXIMUM_DEPTH = 64
_MAXIMUM_NAME_BYTES = 255
_MAXIMUM_PATH_BYTES = 2048
_MAXIMUM_TARGET_BYTES = 4095
# Linux follows no more links than that either.
_MAXIMUM_HOPS = 40
_LINK_ADVICE = "Pack what links lead to (`tar -h`), and make a virtualenv with `python -m venv --copies`."
_MAXIMUM_LINK_DEPTH = 2 * MAXIMUM_DEPTH


def member_parts(name: str) -> Parts:
    """Split a member's name into the parts below the destination; empty for the destination itself.

    Raises `ContentError` for a name that is absolute, has `..`, is too long or too deep, or is no file name at all.
    """
    if name.startswith("/"):
        raise ContentError(f"the archive has an absolute path: {shown(name)}.")
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in parts:
        raise ContentError(f"the archive has a path that leaves it by '..': {shown(name)}.")
    encoded = [_encode(part) for part in parts]
    too_long = any(len(part) > _MAXIMUM_NAME_BYTES for part in encoded)
    if too_long or sum(len(part) + 1 for part in encoded) > _MAXIMUM_PATH_BYTES:
        raise ContentError(f"the archive has a path that is too long: {shown(name)}.")
    if len(parts) > MAXIMUM_DEPTH:
        raise ContentError(f"the archive has a path deeper than {MAXIMUM_DEPTH} directories: {shown(name)}.")
    return parts


def check_target(target: str, link: str) -> str:
    """Give a symbolic link's target back when it could be one: relative, and not too long."""
    if target.startswith("/"):
        raise ContentError(
            f"the archive has a link to an absolute path: {shown(link)} -> {shown(target)}. Only a link to a program "
            f"of this machine is kept. {_LINK_ADVICE}"
        )
    if not target or len(_encode(target)) > _MAXIMUM_TARGET_BYTES:
        raise ContentError(f"the archive has a link with an impossible target: {shown(link)}.")
    return target


def check_links(links: Mapping[Parts, str], maximum_steps: int) -> None:
    """Follow every link as the kernel would, through the others too, and refuse those that leave the destination.

    `maximum_steps`, for all together, keeps chains made to be slow from being so.
    """
    steps = maximum_steps
    for link in links:
        steps = _follow(link, links, steps)


def shown(name: str) -> str:
    """Make a name fit for a message: short, and without control characters."""
    text = ascii(name)
    return text if len(text) <= 200 else text[:200] + "..."


def _follow(link: Parts, links: Mapping[Parts, str], steps: int) -> int:
    if links[link].startswith("/"):
        return steps
    at = list(link[:-1])
    ahead = links[link].split("/")[::-1]
    hops = 0
    while ahead:
        steps -= 1
        part = ahead.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not at:
                raise ContentError(
                    f"the archive has a link that leaves it: {shown('/'.join(link))} -> {shown(links[link])}. "
                    f"{_LINK_ADVICE}"
                )
            at.pop()
            continue
        at.append(part)
        target = links.get(tuple(at))
        if target is not None and target.startswith("/"):
            # To a program outside, which is a file: nothing lies below it.
            if any(part not in {"", "."} for part in ahead):
                raise ContentError(
                    f"the archive has a link that leaves it: {shown('/'.join(link))} -> {shown(links[link])}. "
                    f"{_LINK_ADVICE}"
                )
            return steps
        if target is not None:
            at.pop()
            ahead.extend(target.split("/")[::-1])
            hops += 1
        if hops > _MAXIMUM_HOPS or steps < 0 or len(at) > _MAXIMUM_LINK_DEPTH:
            raise ContentError(
                f"the archive has links that lead in circles or too deep: {shown('/'.join(link))}."
            )
    return steps


def _encode(text: str) -> bytes:
    if "\0" in text:
        raise ContentError(f"the archive has a name with a NUL character: {shown(text)}.")
    try:
        # Bytes that are not UTF-8 came in as lone surrogates, and go out as the same bytes.
        return os.fsencode(text)
    except UnicodeEncodeError:
        raise ContentError(f"the archive has a name that is no valid Unicode: {shown(text)}.") from None
