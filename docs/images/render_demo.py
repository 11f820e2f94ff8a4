"""Draws `demo.svg`: runs the demo as `make run` does, and renders what its terminal showed.

    .venv/bin/python docs/images/render_demo.py [--port 8899]

Start it about 37 seconds after a full minute: the picture then has a run of `demo-upload` that fails.

The picture is of a real run. Only what would tell whose machine it was is replaced: the data directory of the recording, and the host name.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).with_name("demo.svg")
PROGRAM = Path(sys.executable).with_name("elasticjob-cloud")
LAST_LINE = re.compile(r"demo-script shard .*finished")
ENOUGH = 6  # two runs of the script job, with a run of the Python job between or before them
WIDTH = 128
LONGEST_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the terminal of `make run`.")
    parser.add_argument("--port", type=int, default=8899)
    port = parser.parse_args().port
    with tempfile.TemporaryDirectory() as folder:
        shown = record(port, folder)
    if not LAST_LINE.search(without_colour(shown)):
        sys.exit(f"No shard finished; nothing was drawn. The demo said:\n{shown}")
    shown = shown.replace(str(PROGRAM), "elasticjob-cloud")
    shown = shown.replace(folder, "~/.local/share/elasticjob-cloud-demo")
    shown = shown.replace(socket.gethostname() + "-", "node-").replace(f":{port}/", ":8899/")
    PICTURE.write_text(draw(shown), encoding="utf-8")
    print(f"{PICTURE.name}: {len(shown.splitlines())} lines")


def record(port: int, folder: str) -> str:
    """Run the demo until enough shards have finished; give what it printed, colours included."""
    command = [str(PROGRAM), "demo"]
    command += ["--port", str(port), "--data-dir", folder]
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "PYTHONUNBUFFERED": "1"}
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert demo.stdout is not None
    lines: list[str] = []
    finished = 0
    deadline = time.monotonic() + LONGEST_SECONDS
    for line in demo.stdout:
        lines.append(line)
        finished += bool(LAST_LINE.search(without_colour(line)))
        if finished >= ENOUGH or time.monotonic() > deadline:
            break
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    demo.wait(LONGEST_SECONDS)
    demo.stdout.close()
    return "".join(lines)


def draw(shown: str) -> str:
    """Give the picture of a terminal; it names no font of another site, so that it looks the same offline."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(
            record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        console.print("[bold green]$[/] make run", highlight=False)
        console.print(Text.from_ansi(shown), overflow="fold")
        template = re.sub(r"<!--.*?-->|@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        return console.export_svg(
            title="make run", theme=MONOKAI, code_format=template, unique_id="demo", font_aspect_ratio=0.61
        )


def without_colour(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


if __name__ == "__main__":
    main()
