"""Puts the web console into the wheel and the sdist, and builds it first where it is missing (docs/console.md)."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# auto: build it, and go on without one where that fails; require: fail; skip: never build one.
_MODE: Final = "CONSOLE_BUILD"
_MODES: Final = ("auto", "require", "skip")


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook for this package."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node from PyPI only where a console is to be built and the machine has none."""
        builder = _builder(self.root)
        if not self._is_wanted(builder) or builder.find_node() is not None:
            return []
        return [builder.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - as the interface has it
        """Build the console, except for an editable install: there `make console` does."""
        builder = _builder(self.root)
        if version == "editable" or not self._is_wanted(builder):
            return
        try:
            builder.build_console(Path(self.root))
        except builder.ConsoleBuildError as error:
            if _mode() == "require":
                raise
            self.app.display_warning(
                f"{error}\nThe package is built WITHOUT its web console; the server's address will say so. "
                f"To have this fail instead, set {_MODE}=require."
            )

    def _is_wanted(self, builder: Any) -> bool:
        """Tell whether to build: never from an sdist that has the console, nor where its sources are not."""
        root = Path(self.root)
        if _mode() == "skip" or not (root / "console" / "package.json").is_file():
            return False
        is_sdist = (root / "PKG-INFO").is_file()
        return not (builder.is_built(root) if is_sdist else builder.is_current(root))


def _mode() -> str:
    mode = os.environ.get(_MODE, "auto")
    if mode not in _MODES:
        raise ValueError(f"{_MODE} is '{mode}'; it may be {', '.join(_MODES)}.")
    return mode


def _builder(root: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_console", Path(root, "scripts", "build_console.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
