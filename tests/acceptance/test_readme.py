"""What README.md, docs/tour.md and the tutorials tell people to type does what they say, and no page leads nowhere.

The code of the pages runs as it stands, but for the ports. The word after a fence's language says how:

- `sh`: typed into one shell, in order; it must succeed. A `text` fence below is what it prints; `…` stands for anything.
- `sh again`: asked until it prints that, since what it shows takes a moment.
- `sh server`: runs beside the others, in the same folder, until the end.
- `python`: saved in the file that its first line names.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
import pytest

from tests.checkout import ROOT
from tests.processes import free_port

FENCE = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
READMES = ("README.md", "README.zh-CN.md")
END = "<<end of block>>"
SECONDS = 30.0
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


@dataclass(frozen=True)
class Block:
    language: str
    mark: str | None
    code: str


class Terminals:
    """One shell to type into, and the servers that were started beside it."""

    def __init__(self, folder: Path) -> None:
        self._log = folder.parent / "terminals.log"
        self._folder = folder
        self._servers: list[subprocess.Popen[str]] = []
        self._shell = self._start(["bash", "-e"], folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in reversed(self._servers):
            server.send_signal(signal.SIGINT)
            self._end(server)
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._end(self._shell)
        wait_until_gone(self._folder)

    def type(self, code: str) -> str:
        """Run a block in the shell, which must succeed; give what it printed."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{\n{code}}} </dev/null\necho; echo '{END}'\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.strip() == END:
                return "".join(lines).strip()
            lines.append(line)
        pytest.fail(f"This failed:\n{code}\n{''.join(lines)}\n{self._log.read_text()}")

    def serve(self, code: str, port: int) -> None:
        """Start a server where the shell is now; return when it listens."""
        server = self._start(["bash", "-c", f"exec {code}"], Path(psutil.Process(self._shell.pid).cwd()))
        self._servers.append(server)
        deadline = time.monotonic() + SECONDS
        while not listens(port):
            assert server.poll() is None, f"It ended:\n{code}\n{self._log.read_text()}"
            assert time.monotonic() < deadline, f"It does not listen on {port}:\n{code}"
            time.sleep(0.05)  # the poll of a condition in another process

    def _start(self, arguments: list[str], folder: Path) -> subprocess.Popen[str]:
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        foreign = ("ELASTICJOB_", "COLUMNS", "LINES")  # the latter two would make tables narrow
        environment = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        environment |= {"PATH": binaries, "HOME": str(self._folder), "XDG_CONFIG_HOME": str(self._folder)}
        with self._log.open("a") as log:
            return subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if arguments[1] == "-e" else log,
                stderr=log,
                text=True,
            )

    def _end(self, process: subprocess.Popen[str]) -> None:
        try:
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def blocks_of(page: str) -> list[Block]:
    return [Block(*found.groups()) for found in FENCE.finditer(page)]


def follow(page: str, folder: Path) -> None:
    """Do all that a page tells, and compare what is shown with what it says."""
    ports = {"8899": free_port(), "8080": free_port()}
    for written, port in ports.items():
        page = page.replace(written, str(port))
    blocks = blocks_of(page)
    folder.mkdir()
    scheduler = f" --port {ports['8899']}"
    with Terminals(folder) as terminals:
        terminals.type(f"export ELASTICJOB_URL=http://127.0.0.1:{ports['8899']}\n")
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            expected = following.code if following is not None and following.language == "text" else ""
            if block.language == "python":
                save(block.code, folder)
            elif block.mark == "server":
                is_scheduler = block.code.startswith("elasticjob-cloud")
                code = block.code.strip() + (scheduler if is_scheduler else "")
                terminals.serve(code, ports["8899" if is_scheduler else "8080"])
            elif block.language == "sh":
                check(terminals, block, expected)


def check(terminals: Terminals, block: Block, expected: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        shown = terminals.type(block.code)
        if not expected or matches(shown, expected):
            return
        if block.mark != "again" or time.monotonic() > deadline:
            pytest.fail(f"{block.code}\nshows:\n{shown}\nand not:\n{expected}")
        time.sleep(0.2)  # as a reader would, who looks again


def matches(shown: str, expected: str) -> bool:
    """Compare line by line; blanks at the ends of lines do not count."""
    pattern = "\n".join(
        ".*".join(re.escape(part.strip()) for part in re.split(r" *… *", line))
        for line in expected.strip().splitlines()
    )
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in shown.splitlines())) is not None


def save(code: str, folder: Path) -> None:
    name = re.match(r"# (\S+)\n", code)
    assert name is not None, f"the first line names no file:\n{code}"
    path = folder / name[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until_gone(folder: Path) -> None:
    """Wait until no process names the folder: with its scheduler stopped, an idle agent ends by itself."""
    deadline = time.monotonic() + SECONDS
    while True:
        left = [
            it for it in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(it.info["cmdline"] or ())
        ]
        if not left:
            return
        if time.monotonic() > deadline:
            names = [" ".join(process.info["cmdline"]) for process in left]
            for process in left:
                process.kill()
            pytest.fail(f"still running: {names}")
        time.sleep(0.05)  # the poll of a condition in other processes


needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None,
    reason="skipped without curl, which the manual's lines call: apt-get install curl",
)


@needs_curl
def test_job_of_the_readme_works(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text()
    job = page[page.index("## A job") : page.index("## What you get")]
    assert len(blocks_of(job)) == 3
    follow(job, tmp_path / "job")


# The Chinese pages have the same code: test_chinese_page_has_the_same_code.
FOLLOWED = ("tutorials/first-job", "tutorials/failure-and-repair", "how-to/why-did-it-not-run")


@needs_curl
@pytest.mark.long
@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", FOLLOWED)
def test_page_can_be_followed(name: str, tmp_path: Path) -> None:
    page = (ROOT / f"docs/{name}.md").read_text()
    assert len(blocks_of(page)) > 10
    follow(page, tmp_path / "tour")


@needs_curl
@pytest.mark.long
@pytest.mark.timeout(240)
def test_long_tour_works(tmp_path: Path) -> None:
    follow((ROOT / "docs/tour.md").read_text(), tmp_path / "tour")


@pytest.mark.parametrize(
    "names",
    [READMES, *((f"docs/{name}.md", f"docs/{name}.zh.md") for name in FOLLOWED)],
    ids=lambda names: names[0],
)
def test_chinese_page_has_the_same_code(names: tuple[str, str]) -> None:
    english, chinese = (code_of((ROOT / name).read_text()) for name in names)
    assert len(english) > 3
    assert english == chinese


def code_of(page: str) -> list[str]:
    """Give the code of a page without its comments on `make`, which are in the page's language."""
    return [re.sub(r"^(make \w+) +#.*$", r"\1", block.code, flags=re.MULTILINE) for block in blocks_of(page)]


def test_chinese_readme_has_the_same_figures() -> None:
    english, chinese = (re.findall(r"\*\*([\d,.]+)\*\*", (ROOT / name).read_text()) for name in READMES)
    assert len(english) > 5
    assert english == chinese


def test_index_lists_every_page() -> None:
    index = ROOT / "docs/README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if not page.name.endswith(".zh.md")}
    assert pages - {index} <= listed


def test_chinese_index_lists_every_chinese_page() -> None:
    index = ROOT / "docs/README.zh.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    # It links the English name: the site then shows the Chinese page.
    chinese = {
        page.with_name(page.name.replace(".zh.md", ".md")) for page in (ROOT / "docs").rglob("*.zh.md")
    }
    assert chinese - {ROOT / "docs/README.md"} <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text())
    for link in LINK.findall(prose):
        target, _, anchor = link.partition("#")
        if ":" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        assert not anchor or anchor in anchors_of(path.read_text()), link


def anchors_of(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "shown, expected, same",
    [
        ("true", "true", True),
        ("false", "true", False),
        ("my_job  0.1   yes  ", "my_job … yes", True),
        ("my_job  0.1   no", "my_job … yes", False),
        ("a\nb", "a", False),
        ("", "true", False),
    ],
)
def test_comparison_can_fail(shown: str, expected: str, same: bool) -> None:
    assert matches(shown, expected) is same


def test_every_import_between_rooms_is_drawn() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", page.partition("flowchart TD")[2], re.MULTILINE))
    assert imports_between_rooms(ROOT / "src/elasticjob_cloud") <= drawn


def imports_between_rooms(package: Path) -> set[tuple[str, str]]:
    """Give which room imports which, `model` left out, and the two files that stand for the SDK."""
    rooms = {path.name.removesuffix(".py") for path in package.iterdir()} - {"__init__", "__main__", "model"}
    arrows = set()
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        for imported in re.findall(
            r"^ *(?:from|import) elasticjob_cloud\.(\w+)", path.read_text(), re.MULTILINE
        ):
            if room in rooms and imported in rooms - {room}:
                arrows.add((room, imported))
    return arrows


def run_example(name: str, item: int, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "ELASTICJOB_SHARDING_ITEM": str(item),
        "ELASTICJOB_SHARDING_TOTAL_COUNT": "2",
        **variables,
    }
    script = ROOT / "examples/shell" / name
    return subprocess.run(
        [script, "{}"], env=environment, capture_output=True, text=True, check=False, timeout=20
    )


def test_disk_example_fails_when_the_disk_is_too_full(tmp_path: Path) -> None:
    shard = {"ELASTICJOB_SHARDING_PARAMETER": str(tmp_path)}
    good = run_example("disk_report.sh", 1, **shard, ELASTICJOB_JOB_PARAMETER="100")
    assert good.returncode == 0, good.stderr
    assert re.fullmatch(rf"shard 1 of 2: the disk of {tmp_path} is \d+ % full\n", good.stdout)
    assert run_example("disk_report.sh", 1, **shard, ELASTICJOB_JOB_PARAMETER="-1").returncode == 1
    assert run_example("disk_report.sh", 1, ELASTICJOB_SHARDING_PARAMETER="").returncode != 0


def test_clean_up_example_deletes_what_is_old(tmp_path: Path) -> None:
    old, new = tmp_path / "an old one", tmp_path / "new"
    for path in (old, new):
        path.write_text("text")
    os.utime(old, (0, 0))
    done = run_example("clean_up.sh", 0, ELASTICJOB_SHARDING_PARAMETER=str(tmp_path))
    assert done.stdout == f"deleted {old}\n", done.stderr
    assert list(tmp_path.iterdir()) == [new]


def test_picture_of_the_demo_is_nobodys_machine() -> None:
    picture = (ROOT / "docs/images/demo.svg").read_text()
    assert "demo-script" in picture
    assert "finished" in picture
    hosts = set(re.findall(r"https?://([^/\"<& )]+)", picture))
    assert hosts == {"127.0.0.1:8899", "www.w3.org"}
    assert "/tmp/" not in picture
    assert "/home/" not in picture
