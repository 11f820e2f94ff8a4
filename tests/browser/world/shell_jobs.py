"""Jobs that run a shell script of the test: published from a file of this machine."""

from pathlib import Path
from typing import Any

from tests.acceptance.standalone import Standalone


def publish_file(server: Standalone, directory: Path, name: str, script: str) -> None:
    """Publish a script as an app of that name."""
    file = directory / f"{name}.sh"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    server.publish(name, file.as_uri())


def run_script(server: Standalone, directory: Path, name: str, script: str, **fields: Any) -> None:
    """Publish and register a job that runs a script, and trigger it once."""
    publish_file(server, directory, name, script)
    server.register_script(name, **fields)
    server.call("POST", "/job/trigger", name)
