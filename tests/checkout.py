"""Where this checkout is: tests read its pages, its examples and its programs."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
