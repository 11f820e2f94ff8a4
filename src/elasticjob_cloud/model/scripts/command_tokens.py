"""The words and operators of a shell command line, quotes, substitutions, comments and here-documents passed over."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

_OPERATORS: Final = ("&&", "||", ";;", "&", "|", ";", "(", ")", "\n")
_REDIRECTIONS: Final = (">>", ">|", ">&", "<&", "<>", ">", "<")
_ENDS_WORD: Final = frozenset(" \t\n;&|<>()")
_QUOTING: Final = re.compile(r"""\\(.)|['"]""", re.DOTALL)
_DEPTH: Final = 50


class UnknownSyntaxError(Exception):
    """The line is none that we understand, or none at all."""


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    OPERATOR = "operator"
    REDIRECTION = "redirection"  # with its target
    HERE_DOCUMENT = "here-document"  # its text


class Token(NamedTuple):
    """One token; `text` as written, quotes included."""

    kind: Kind
    text: str


class Tokens:
    """Iterates over the tokens of a line. Raises `UnknownSyntaxError`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._here_documents: list[tuple[str, bool]] = []
        self.ends_in_token = True  # not in a comment

    def __iter__(self) -> Iterator[Token]:
        while self._pass_blanks():
            token = self._next()
            yield token
            if token.text == "\n" and self._here_documents:
                yield self._here_document()
        if self._here_documents:
            raise UnknownSyntaxError

    def _pass_blanks(self) -> bool:
        """Go to the next token; False when there is none."""
        text = self._text
        while self._at < len(text):
            if text[self._at] in " \t":
                self._at += 1
            elif text.startswith("\\\n", self._at):
                self._at += 2
            elif text[self._at] == "#":
                end = text.find("\n", self._at)
                if end < 0:
                    self.ends_in_token = False
                    return False
                self._at = end
            else:
                return True
        return False

    def _next(self) -> Token:
        for operator in _OPERATORS:
            if self._text.startswith(operator, self._at):
                self._at += len(operator)
                return Token(Kind.OPERATOR, operator)
        if self._text[self._at] in "<>":
            return self._redirection()
        word = self._word()
        if word.isdecimal() and self._text[self._at : self._at + 1] in {"<", ">"}:
            return self._redirection()
        return Token(Kind.WORD, word)

    def _redirection(self) -> Token:
        if self._text.startswith("<<", self._at):
            return self._here_document_begins()
        operator = next(each for each in _REDIRECTIONS if self._text.startswith(each, self._at))
        self._at += len(operator)
        return Token(Kind.REDIRECTION, operator + self._target())

    def _here_document_begins(self) -> Token:
        self._at += 2
        if self._text.startswith("<", self._at):
            raise UnknownSyntaxError  # a here-string, which only some shells know
        without_tabs = self._text.startswith("-", self._at)
        self._at += without_tabs
        target = self._target()
        self._here_documents.append((_QUOTING.sub(lambda quote: quote[1] or "", target), without_tabs))
        return Token(Kind.REDIRECTION, "<<" + target)

    def _target(self) -> str:
        if not self._pass_blanks() or self._text[self._at] in _ENDS_WORD:
            raise UnknownSyntaxError
        return self._word()

    def _here_document(self) -> Token:
        for delimiter, without_tabs in self._here_documents:
            while True:
                if self._at >= len(self._text):
                    raise UnknownSyntaxError  # the shell warns, and takes what there is
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = end + 1
                if (line.lstrip("\t") if without_tabs else line) == delimiter:
                    break
        self._here_documents.clear()
        return Token(Kind.HERE_DOCUMENT, "")

    def _word(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in _ENDS_WORD:
            self._pass_part(0)
        return self._text[start : self._at]

    def _pass_part(self, depth: int) -> None:
        """Pass one character, quotation or substitution."""
        text, at = self._text, self._at
        if text[at] == "\\":
            if at + 1 >= len(text):
                raise UnknownSyntaxError
            self._at += 2
        elif text[at] == "'":
            self._at = self._find("'", at + 1)
        elif text[at] == '"':
            self._pass_until('"', depth, quoted=True)
        elif text[at] == "`":
            self._at += 1
            while self._peek() != "`":
                self._at += 2 if self._peek() == "\\" else 1
            self._at += 1
        elif text.startswith(("$(", "${"), at):
            self._at += 1
            self._pass_until(")" if text[at + 1] == "(" else "}", depth, quoted=False)
        else:
            self._at += 1

    def _pass_until(self, closer: str, depth: int, *, quoted: bool) -> None:
        """Pass what stands between the character here and its closer."""
        if depth > _DEPTH:
            raise UnknownSyntaxError
        self._at += 1
        while (character := self._peek()) != closer:
            if quoted and character == "'":
                self._at += 1
            elif character == "(" and closer == ")":
                self._pass_until(")", depth + 1, quoted=False)
            elif character == "#" and closer == ")" and self._text[self._at - 1] in " \t\n;(":
                self._at = self._find("\n", self._at)
            else:
                self._pass_part(depth + 1)
        self._at += 1

    def _peek(self) -> str:
        if self._at >= len(self._text):
            raise UnknownSyntaxError
        return self._text[self._at]

    def _find(self, character: str, start: int) -> int:
        """Give the index after the next such character."""
        found = self._text.find(character, start)
        if found < 0:
            raise UnknownSyntaxError
        return found + 1
