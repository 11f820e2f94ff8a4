"""What the descriptions of runs, tasks and times have in common."""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from elasticjob_cloud.api.openapi.documents import Document, nullable

TIME: Final[Document] = {"type": "string", "format": "date-time"}
LATER_TIME: Final = nullable(TIME)


def told(document: Document, description: str) -> Document:
    """Add a description."""
    return {**document, "description": description}


def one_of(values: Iterable[Enum]) -> Document:
    """Describe a text that is one of these."""
    return {"type": "string", "enum": [value.value for value in values]}
