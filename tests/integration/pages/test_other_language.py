"""The executor that docs/executor-protocol.md shows in another language."""

import re
import shutil
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.integration.sdk.sdk_agent import SdkAgent

PAGE = ROOT / "docs/executor-protocol.md"


@pytest.mark.skipif(shutil.which("node") is None, reason="skipped without Node: apt-get install nodejs")
def test_example_executor_of_the_protocol_page_runs(tmp_path: Path) -> None:
    example = re.search(r"```javascript\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    with SdkAgent(tmp_path) as agent:
        agent.write("executor.js", example[1])
        agent.start_command(["node", "executor.js"])
        agent.run(range(3))
        for item in range(3):
            assert agent.wait_end(f"t{item}")["success"] is True
            assert agent.states(f"t{item}") == ["TASK_RUNNING", "TASK_FINISHED"]
            assert agent.text(f"t{item}") == f"item {item} of 10: p{item}\n"
        agent.send({"type": "stop"})
        assert agent.wait_exit() == 0
