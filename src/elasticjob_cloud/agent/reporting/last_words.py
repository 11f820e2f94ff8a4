"""The last lines that a process or task printed, as its failure tells them: in the summary, and at the end of the detail.

Secrets in them are masked here: a reason goes further than the output does, into mails and chats.
"""

from dataclasses import dataclass

from elasticjob_cloud.agent.reporting.output import OutputStore, ProcessOutput
from elasticjob_cloud.model.masking import mask_message
from elasticjob_cloud.model.output.excerpt import excerpt, last_line, one_line, plain


@dataclass(frozen=True, slots=True)
class LastWords:
    """The end of both streams, as a terminal would show them."""

    stdout: str = ""
    stderr: str = ""

    @classmethod
    def of_process(cls, outputs: tuple[ProcessOutput, ProcessOutput]) -> "LastWords":
        """Take those of a process that the agent has started."""
        stdout, stderr = (_presentable(output.tail()) for output in outputs)
        return cls(stdout, stderr)

    @classmethod
    def of_task(cls, outputs: OutputStore, task_id: str) -> "LastWords":
        """Take those that an executor has kept of a task."""
        stdout, stderr = (_presentable(outputs.end_of(task_id, stream)) for stream in ("stdout", "stderr"))
        return cls(stdout, stderr)

    def summary(self, words: str) -> str:
        """Add the last line to words such as `exit code 3`, or to a sentence; one line."""
        words = one_line(mask_message(one_line(words)))
        last = last_line(self.stderr) or last_line(self.stdout)
        if not last:
            return words
        # One line of both together keeps their ends.
        return one_line(f"{words} Its last line: {last}" if words.endswith(".") else f"{words}: {last}")

    def detail(self, message: str, whose: str = "its") -> str:
        """Add the ends of both streams to a message, the one that most often names the reason last."""
        parts = [message]
        for stream, text in (("stdout", self.stdout), ("stderr", self.stderr)):
            if text:
                parts.append(f"The end of {whose} {stream}:\n{text}")
        return excerpt("\n".join(parts))


def _presentable(text: str) -> str:
    return mask_message(plain(text)) if text else ""
