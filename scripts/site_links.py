# ruff: noqa: INP001 - a hook, not a package
"""What GitHub understands and the site does not: a hook of MkDocs (mkdocs.yml).

- A link to a file outside `docs/` leads to the repository.
- A link to a page's Chinese version leads to the Chinese site.
- The word after a fence's language, which the tests read, goes.
"""

import posixpath
import re
from typing import Protocol

_LINK = re.compile(r"\]\((\.\./[^)\s]*)\)")
_CHINESE = re.compile(r"\]\(((?:[\w-]+/)*[\w-]+)\.zh\.md\)")
_FENCE = re.compile(r"^( *```\w+) \w+$", re.MULTILINE)
_DOCS = "docs"


class File(Protocol):
    """The part of MkDocs' file that is used."""

    src_uri: str


class Page(Protocol):
    """The part of MkDocs' page that is used."""

    file: File


def on_page_markdown(markdown: str, page: Page, config: dict[str, str], files: object) -> str:  # noqa: ARG001 - MkDocs names them
    """Give a page's Markdown as the site needs it."""
    with_own_links = with_links(markdown, page.file.src_uri, config["repo_url"].rstrip("/"))
    return with_plain_fences(with_chinese_links(with_own_links, page.file.src_uri, config["site_url"]))


def with_chinese_links(markdown: str, page: str, site: str) -> str:
    """Rewrite the links of `page` to Chinese versions of pages."""

    def rewritten(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
        return f"]({site}zh/{re.sub('README$', 'index', path)}.html)"

    return _CHINESE.sub(rewritten, markdown)


def with_plain_fences(markdown: str) -> str:
    """Leave only the language at the start of each block of code."""
    return _FENCE.sub(r"\1", markdown)


def with_links(markdown: str, page: str, repository: str) -> str:
    """Rewrite the links of `page`, a path below `docs/`, that leave this folder."""

    def rewritten(link: re.Match[str]) -> str:
        target, _, anchor = link[1].partition("#")
        path = posixpath.normpath(posixpath.join(_DOCS, posixpath.dirname(page), target))
        if path.split("/")[0] == _DOCS:
            return link[0]
        kind = "tree" if target.endswith("/") else "blob"
        return f"]({repository}/{kind}/main/{path}{'#' + anchor if anchor else ''})"

    return _LINK.sub(rewritten, markdown)
