"""What every kind of test shares: one Hypothesis profile for people, one for CI, and an interrupt that is heard."""

import os
import signal

from hypothesis import settings

# CI repeats itself exactly, so that a red run there can be red here; people keep looking for new examples.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# A shell has what it puts in the background ignore SIGINT, and every process below inherits that (POSIX shell, 2.11):
# tests that interrupt a program would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
