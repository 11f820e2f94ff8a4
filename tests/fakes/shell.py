"""A shell of a few words, so that fake agents run the scripts of tests without any process.

It knows `true`, `false`, `exit N`, `sleep SECONDS`, `echo WORDS`, `touch FILE`, `>> FILE` after a command, and
`while true; do ...; done`.
"""

import asyncio
import shlex
from collections import deque
from pathlib import Path


class _ExitError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Loop(list["_Statement"]):
    """What stands between `do` and `done`."""


_Statement = list[str] | _Loop


class FakeShell:
    """Runs one script; what it prints is appended to `output`."""

    def __init__(self, output: bytearray) -> None:
        self._output = output
        self._code = 0

    async def run(self, script: str) -> int:
        """Run a script to its end, and give its exit code."""
        tokens = deque(shlex.shlex(script, posix=True, punctuation_chars=";>"))
        try:
            await self._run_all(_parse(tokens))
        except _ExitError as error:
            return error.code
        return self._code

    async def _run_all(self, statements: list[_Statement]) -> None:
        for statement in statements:
            if isinstance(statement, _Loop):
                while True:
                    await self._run_all(statement)
                    await asyncio.sleep(0)  # others have their turn, and a kill comes through
            else:
                await self._run(statement)

    async def _run(self, words: list[str]) -> None:
        words, file = (words[:-2], Path(words[-1])) if words[-2:-1] == [">>"] else (words, None)
        self._code = 0
        match words:
            case ["true"]:
                pass
            case ["false"]:
                self._code = 1
            case ["exit", code]:
                raise _ExitError(int(code))
            case ["sleep", seconds]:
                await asyncio.sleep(float(seconds))
            case ["touch", name]:
                self._print("", Path(name))
            case ["echo", *rest]:
                self._print(" ".join(rest) + "\n", file)
            case _:
                self._print(f"{words[0]}: not found\n", None)
                self._code = 127

    def _print(self, text: str, file: Path | None) -> None:
        if file is None:
            self._output += text.encode()
        else:
            with file.open("a") as stream:
                stream.write(text)


def _parse(tokens: deque[str]) -> list[_Statement]:
    statements: list[_Statement] = []
    while tokens and tokens[0] != "done":
        words = _next_words(tokens)
        if words == ["while", "true"]:
            if not tokens or tokens.popleft() != "do":
                raise ValueError("A loop lacks its 'do'.")
            statements.append(_Loop(_parse(tokens)))
            if not tokens or tokens.popleft() != "done":
                raise ValueError("A loop lacks its 'done'.")
        elif words:
            statements.append(words)
    return statements


def _next_words(tokens: deque[str]) -> list[str]:
    words = []
    while tokens and (token := tokens.popleft()) != ";":
        words.append(token)
    return words
