"""An agent that has closed is gone at once, whatever its threads do: its successor waits for its directory."""

import subprocess
import sys
from pathlib import Path

_HANGING_THREAD = """
import asyncio, sys, time
from pathlib import Path
import elasticjob_cloud.agent.__main__ as agent
from elasticjob_cloud.agent.settings import AgentSettings

class Server:
    def __init__(self, *arguments):
        pass

    async def run(self):
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)

agent.AgentServer = Server
agent._leave(agent._serve(Path(sys.argv[1]), AgentSettings(), None))
"""


def test_thread_that_hangs_keeps_no_agent_from_leaving(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _HANGING_THREAD, str(tmp_path / "agent")], timeout=20, check=False
    )
    assert ended.returncode == 0
