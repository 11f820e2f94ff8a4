"""What the log looks like: lines for people on a terminal, JSON for machines; everything through structlog."""

import logging
import sys
from typing import TextIO

import structlog

from elasticjob_cloud.model.masking import mask_record


def configure_logs(level: str, log_format: str, stream: TextIO = sys.stderr) -> None:
    """Send structlog's and the standard library's records to `stream` in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    final: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        mask_record,
    ]
    if log_format == "json":
        final += [structlog.processors.format_exc_info, mask_record, structlog.processors.JSONRenderer()]
    else:
        # Plain tracebacks: Rich's show local variables, which may hold passwords.
        final.append(
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("alembic", "httpx", "httpcore", "uvicorn"):  # their info lines are ours to tell, or nobody's
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
