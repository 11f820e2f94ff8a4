"""Pages in English, and the help of the command line, are in plain words and short sentences."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from elasticjob_cloud.cli.main import build_app
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from tests.checkout import ROOT

# Words that make a reader read twice, and what to write instead.
BETTER = {
    r"beside": "next to, with",
    r"besides": "except, also",
    r"anew": "again",
    r"whoever": "the noun: a caller, an admin",
    r"whatever": "the noun, or 'any'",
    r"that which": "the noun",
    r"mend(?:s|ed|ing)?": "fix",
    r"(?:of|for) (?:its|their|his|one's) own": "own, separate",
    r"com(?:es?|ing) to an end": "ends",
    r"go(?:es|ing)? by the": "use",
    r"let(?:s|ting)? go(?: of)?": "release",
    r"quarrels?": "conflict",
    r"public faces": "interfaces",
}
FLAGGED = {re.compile(rf"\b{word}\b", re.IGNORECASE): better for word, better in BETTER.items()}
LONGEST = 35  # words; a long list in a sentence becomes a list on the page
PAGES = sorted(
    path
    for pattern in ("README.md", "CONTRIBUTING.md", "console/README.md", "docs/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if not path.name.endswith((".zh-CN.md", ".zh.md"))
)

_CODE = re.compile(r"^( *)(```|~~~).*?^\1\2$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN = re.compile(r"`[^`]*`")
_TARGET = re.compile(r"\]\([^)]*\)")
_BLOCK_END = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*|#>]|\d+\.) ?)")
_CELL_END = re.compile(r"(?<!\\)\|")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])[*_)\]\"]*\s+")
_WORD = re.compile(r"[\w'-]+")


def prose_of(page: str) -> str:
    text = _COMMENT.sub("", _CODE.sub("", page))
    return _TARGET.sub("]", _SPAN.sub("`x`", text))


def sentences_of(prose: str) -> Iterator[str]:
    for block in _BLOCK_END.split(prose):
        parts = _CELL_END.split(block) if block.lstrip().startswith("|") else [block]
        for part in parts:
            yield from _SENTENCE_END.split(" ".join(part.split()))


def faults_of(prose: str) -> list[str]:
    """Say which words to replace, and which sentences to divide."""
    faults = []
    for sentence in sentences_of(prose):
        for flagged, better in FLAGGED.items():
            if found := flagged.search(sentence):
                faults.append(f"{found[0]!r} (write: {better}) in: {sentence}")
        if (words := len(_WORD.findall(sentence))) > LONGEST:
            faults.append(f"{words} words (at most {LONGEST}) in: {sentence}")
    return faults


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_is_in_plain_words(page: Path) -> None:
    faults = faults_of(prose_of(page.read_text(encoding="utf-8")))
    assert not faults, "\n".join(faults)


def help_texts(command: object, path: str = "") -> Iterator[tuple[str, str]]:
    assert isinstance(command, TyperCommand | TyperGroup)
    yield path, command.help or ""
    for parameter in command.params:
        yield f"{path} {parameter.name}", getattr(parameter, "help", None) or ""
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from help_texts(child, f"{path} {name}")


def test_help_of_the_command_line_is_in_plain_words() -> None:
    texts = dict(help_texts(get_command(build_app(with_server=False))))
    assert len(texts) > 100
    faults = {path: found for path, text in texts.items() if (found := faults_of(text))}
    assert faults == {}


def test_descriptions_of_settings_are_in_plain_words() -> None:
    texts = {name: field.description or "" for name, field in SchedulerSettings.model_fields.items()}
    faults = {name: found for name, text in texts.items() if (found := faults_of(text))}
    assert faults == {}


@pytest.mark.parametrize(
    "page, expected",
    [
        ("A term begins anew.", ["'anew'"]),
        ("It is a process\nof its own.", ["'of its own'"]),
        ("`let go of` is code, and ```not``` read.", []),
        ("```sh\nmend anew\n```\n", []),
        ("| a | begins anew |\n| --- | --- |\n", ["'anew'"]),
        (" ".join(["word"] * 36) + ".", ["36 words"]),
        (" ".join(["word"] * 30) + ". " + " ".join(["word"] * 30) + ".", []),
        ("- " + " ".join(["word"] * 20) + "\n- " + " ".join(["word"] * 20), []),
    ],
)
def test_faults_are_found(page: str, expected: list[str]) -> None:
    faults = faults_of(prose_of(page))
    assert len(faults) == len(expected)
    assert all(fault.startswith(begin) for fault, begin in zip(faults, expected, strict=True))
