# ruff: noqa: INP001 - a script: no package
"""Print the OpenAPI document, as a scheduler with a login has it: what the console's types are made from."""

import json
import sys
from types import SimpleNamespace
from typing import cast

from elasticjob_cloud.api.app import create_app
from elasticjob_cloud.api.openapi.documents import openapi_document
from elasticjob_cloud.service.port import SchedulerPort

if __name__ == "__main__":
    # No call is made, so that nothing has to answer.
    nobody = SimpleNamespace(reading=SimpleNamespace(revision_of=None))
    app = create_app(cast("SchedulerPort", nobody), None)
    json.dump(openapi_document(app, needs_token=True), sys.stdout, indent=1, sort_keys=True)
