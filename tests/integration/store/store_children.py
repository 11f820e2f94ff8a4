"""Processes that use a store (`store_committer.py`), and what they say."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.checkout import ROOT


@contextmanager
def child(mode: str, url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start one in this mode; it is killed at the end."""
    command = [sys.executable, "-m", "tests.integration.store.store_committer", mode, url, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Wait for the next line that it says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def numbers_said(process: subprocess.Popen[str]) -> set[int]:
    """Give all numbers that one said before it was killed, and nobody has read."""
    assert process.stdout is not None
    return {int(line) for line in process.stdout.read().split()}
