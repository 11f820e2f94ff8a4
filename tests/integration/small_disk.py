"""A small disk for a test, which can be filled; only root can make one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(directory: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a disk of this size at a directory; skip the test, and say what was not tested, where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: a full disk. Run this as root, who can mount a small tmpfs.")
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(directory)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"NOT TESTED: a full disk. This root may not mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(disk: Path) -> Path:
    """Take all room that is left, as another program's log does; give the file that has it."""
    file = disk / "another"
    with file.open("wb", buffering=0) as output:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    output.write(b"x" * size)
            except OSError:
                continue
    return file
