"""What a shell command line is, as far as we must know it: how it is trimmed, and whether an argument may follow it.

Standard library only. The grammar is that of `sh` (POSIX, "Shell Command Language"), read for one question: is the end of
this text the end of a simple command's words? In doubt the answer is no, and the line is run as written.
"""

import re
from functools import lru_cache
from typing import Final

from elasticjob_cloud.model.scripts.command_tokens import Kind, Token, Tokens, UnknownSyntaxError

_BLANKS: Final = " \t\n\r\v\f"
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
# What each of these opens ends with the other.
_CLOSERS: Final = {"if": "fi", "while": "done", "until": "done", "for": "done", "case": "esac", "{": "}"}
# What may stand between, with the closer that it belongs to.
_MIDDLES: Final = {"then": "fi", "elif": "fi", "else": "fi", "do": "done"}
# Only some shells know these.
_UNKNOWN: Final = frozenset({"function", "select", "coproc", "[["})
# The shell's own commands that fail over one more argument, or run it as code (`eval`).
_OWN_COMMANDS: Final = frozenset(
    [
        "[",
        "alias",
        "bg",
        "break",
        "builtin",
        "cd",
        "continue",
        "declare",
        "eval",
        "exit",
        "export",
        "fg",
        "getopts",
        "hash",
        "jobs",
        "kill",
        "let",
        "local",
        "popd",
        "pushd",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "shopt",
        "test",
        "times",
        "trap",
        "type",
        "typeset",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
    ]
)
# These run what follows them.
_PREFIXES: Final = frozenset({"exec", "command"})


def trimmed(command_line: str) -> str:
    r"""Give a command line without blanks around it, and with `\n` alone as the end of its lines."""
    text = command_line.replace("\r\n", "\n").lstrip(_BLANKS)
    kept = text.rstrip(_BLANKS)
    backslashes = len(kept) - len(kept.rstrip("\\"))
    if backslashes % 2 == 0 or kept == text:
        return kept
    if text[len(kept)] == "\n":
        # It only continued the line.
        return kept[:-1].rstrip(_BLANKS)
    return text[: len(kept) + 1]


@lru_cache(maxsize=1024)
def takes_argument(command_line: str) -> bool:
    """Whether one more word behind this (trimmed) line would be the last argument of its last simple command."""
    try:
        return _Grammar().ends_in_simple_command(command_line)
    except UnknownSyntaxError:
        return False


class _Grammar:
    """Where in the grammar the tokens so far have led."""

    def __init__(self) -> None:
        self._open: list[str] = []  # what closes the compound commands that are open
        self._words: list[Token] = []  # of the present simple command
        self._has_more = False  # the present command has redirections or assignments
        self._is_compound = False  # the present command was a compound one, and is closed
        self._is_piped = False  # the present command reads from a pipe
        self._in_pattern = False  # of `case`

    def ends_in_simple_command(self, text: str) -> bool:
        tokens = Tokens(text)
        last = None
        for token in tokens:
            last = token
            self._take(token)
        if last is None or last.kind not in {Kind.WORD, Kind.REDIRECTION} or not tokens.ends_in_token:
            return False
        if self._open or self._is_compound or self._is_piped:
            return False
        words = [word.text for word in self._words]
        while words and words[0] in _PREFIXES:
            del words[0]
        return bool(words) and words[0] not in _OWN_COMMANDS

    def _take(self, token: Token) -> None:
        if self._in_pattern:
            self._take_in_pattern(token)
        elif token.kind is Kind.WORD:
            self._take_word(token)
        elif token.kind is Kind.OPERATOR:
            self._take_operator(token.text)
        elif token.kind is Kind.REDIRECTION:
            self._has_more = True

    def _take_word(self, token: Token) -> None:
        if self._is_compound:
            raise UnknownSyntaxError
        if self._words:
            self._words.append(token)
            if self._words[0].text == "case" and len(self._words) == 3:
                self._begin_patterns(token)
        elif self._take_reserved(token.text):
            pass
        elif _ASSIGNMENT.match(token.text):
            self._has_more = True
        else:
            self._words.append(token)

    def _begin_patterns(self, token: Token) -> None:
        if token.text != "in":
            raise UnknownSyntaxError
        self._words.clear()
        self._in_pattern = True

    def _take_reserved(self, word: str) -> bool:
        """Take a reserved word where a command begins; False when it is none."""
        if self._has_more:
            return False
        if word in _UNKNOWN:
            raise UnknownSyntaxError
        if word in _CLOSERS:
            self._open.append(_CLOSERS[word])
            if word in {"for", "case"}:
                self._words.append(Token(Kind.WORD, word))
            return True
        if word in _MIDDLES:
            self._expect(_MIDDLES[word])
            return True
        if word in _CLOSERS.values():
            self._close(word)
            return True
        return word == "!"

    def _take_operator(self, operator: str) -> None:
        match operator:
            case "(":
                self._open_parenthesis()
            case ")":
                self._close(")")
            case ";;":
                self._expect("esac")
                self._in_pattern = True
                self._next_command(is_piped=False)
            case "\n":
                if self._is_begun():
                    self._next_command(is_piped=False)
            case _:
                if not self._is_begun():
                    raise UnknownSyntaxError
                self._next_command(is_piped=operator == "|")

    def _open_parenthesis(self) -> None:
        if self._is_compound or self._has_more or len(self._words) > 1:
            raise UnknownSyntaxError
        if self._words:
            # A function: its body is the next command.
            self._words.clear()
            self._open.append("()")
        else:
            self._open.append(")")

    def _take_in_pattern(self, token: Token) -> None:
        if token.text == "esac" and token.kind is Kind.WORD:
            self._in_pattern = False
            self._close("esac")
        elif token.text == ")" and token.kind is Kind.OPERATOR:
            self._in_pattern = False
        elif token.kind is Kind.REDIRECTION or (
            token.kind is Kind.OPERATOR and token.text not in {"(", "|", "\n"}
        ):
            raise UnknownSyntaxError

    def _close(self, closer: str) -> None:
        if closer == ")" and self._open[-1:] == ["()"]:
            self._open.pop()
            self._next_command(is_piped=False)
            return
        self._expect(closer)
        self._open.pop()
        self._next_command(is_piped=self._is_piped)
        self._is_compound = True

    def _expect(self, closer: str) -> None:
        if self._open[-1:] != [closer]:
            raise UnknownSyntaxError

    def _is_begun(self) -> bool:
        return bool(self._words) or self._has_more or self._is_compound

    def _next_command(self, *, is_piped: bool) -> None:
        self._words.clear()
        self._has_more = self._is_compound = False
        self._is_piped = is_piped
