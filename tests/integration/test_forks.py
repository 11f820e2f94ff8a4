"""What schedulers of tests are forks of has imported all of them: a preload that fails is ignored without a word."""

import sys

from tests.forks import FORKS


def _exit_with_what_is_there() -> None:
    sys.exit(0 if "tests.imported_once" in sys.modules else 1)


def test_fork_has_imported_what_schedulers_import_late() -> None:
    process = FORKS.Process(target=_exit_with_what_is_there)
    process.start()
    process.join(30)
    assert process.exitcode == 0
