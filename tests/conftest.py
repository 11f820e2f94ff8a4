"""What every kind of test shares: one Hypothesis profile for people, one for CI."""

import os

from hypothesis import settings

# CI repeats itself exactly, so that a red run there can be red here; people keep looking for new examples.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")
