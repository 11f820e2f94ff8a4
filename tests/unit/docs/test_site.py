"""The documentation's site: links that leave `docs/`, and what its pages load from elsewhere."""

from pathlib import Path

import pytest

from scripts.site_links import with_chinese_links, with_links, with_plain_fences
from scripts.site_requests import outside_loads

REPOSITORY = "https://example.org/project"


@pytest.mark.parametrize(
    "page, link, expected",
    [
        ("tour.md", "../README.md", f"{REPOSITORY}/blob/main/README.md"),
        ("tour.md", "../examples/", f"{REPOSITORY}/tree/main/examples"),
        ("tour.md", "../CONTRIBUTING.md#names", f"{REPOSITORY}/blob/main/CONTRIBUTING.md#names"),
        ("decisions/0001-a.md", "../../src/a.py", f"{REPOSITORY}/blob/main/src/a.py"),
        ("decisions/0001-a.md", "../cron.md#zones", "../cron.md#zones"),
        ("tour.md", "cron.md", "cron.md"),
    ],
)
def test_links_that_leave_the_docs_lead_to_the_repository(page: str, link: str, expected: str) -> None:
    assert with_links(f"See [it]({link}).", page, REPOSITORY) == f"See [it]({expected})."


@pytest.mark.parametrize(
    "page, link, expected",
    [
        ("README.md", "tutorials/first-job.zh.md", "https://example.org/docs/zh/tutorials/first-job.html"),
        ("tutorials/first-job.md", "first-job.zh.md", "https://example.org/docs/zh/tutorials/first-job.html"),
        ("README.md", "README.zh.md", "https://example.org/docs/zh/index.html"),
        ("README.md", "cron.md", "cron.md"),
    ],
)
def test_links_to_chinese_pages_lead_to_the_chinese_site(page: str, link: str, expected: str) -> None:
    assert with_chinese_links(f"[x]({link})", page, "https://example.org/docs/") == f"[x]({expected})"


def test_fences_keep_only_their_language() -> None:
    page = "```sh again\nls a\n```\n\n```python\nprint()\n```\n"
    assert with_plain_fences(page) == page.replace("sh again", "sh")


@pytest.mark.parametrize(
    "loading",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/a.css">',
        '<link rel="preconnect" href="https://fonts.example.org">',
        '<img src="http://example.org/a.png">',
        '<pre class="mermaid">a</pre>',
    ],
)
def test_page_that_loads_from_elsewhere_is_found(tmp_path: Path, loading: str) -> None:
    (tmp_path / "index.html").write_text(f"<html><body>{loading}</body></html>")
    assert len(list(outside_loads(tmp_path))) == 1


def test_style_that_loads_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text(
        '@import "https://example.org/a.css"; a { background: url(//example.org/a.png) }'
    )
    assert len(list(outside_loads(tmp_path))) == 2


def test_links_to_follow_and_own_files_are_fine(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="https://example.org">x</a><link rel="canonical" href="https://example.org/a"><img src="a.png">'
    )
    (tmp_path / "a.css").write_text("a { background: url(a.png) }")
    assert list(outside_loads(tmp_path)) == []
