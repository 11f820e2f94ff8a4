"""Answers questions about output that a fake has in memory: by the agent's own code, over files in a temporary folder."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path

from elasticjob_cloud.agent.reporting.logs.answers import LogAnswers
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.model.queries.logs import LogQuestion, LogReply


class KeptLogs:
    """The output of all tasks of a fake. The folder is made with the first question."""

    def __init__(self) -> None:
        self._outputs: OutputStore | None = None

    def answer(self, question: LogQuestion, streams: Mapping[str, bytes], *, ended: bool) -> LogReply:
        """Answer from what each stream has by now."""
        outputs = self._outputs = self._outputs or self._make()
        for stream, content in streams.items():
            Path(f"{outputs.base_path(question.task_id)}.{stream}").write_bytes(content)
        return LogAnswers(outputs).answer(question, known=True, ended=ended)

    def _make(self) -> OutputStore:
        directory = tempfile.mkdtemp(prefix="kept-logs-")
        weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        return OutputStore(Path(directory))
