"""The OpenAPI document and its page describe the whole API and load nothing from elsewhere."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.conftest import MemoryServer
from tests.acceptance.memory_runs import run_of
from tests.http_client import http_get

BROWSER: Final = shutil.which("chromium") or shutil.which("google-chrome")
NOT_JSON: Final = {"/api/job/tasks/{taskId}/log/download"}
METHODS = {"get", "put", "post", "delete"}


@pytest.fixture
def document(server: str) -> dict[str, Any]:
    answer = http_get(f"{server}/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)


def calls(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            yield method, path, call


def test_document_has_the_structure_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"]
    operation_ids = [call["operationId"] for _, _, call in calls(document)]
    assert len(operation_ids) == len(set(operation_ids))
    for method, path, call in calls(document):
        assert method in METHODS
        for status, response in call["responses"].items():
            assert re.fullmatch(r"\d{3}", status)
            assert response["description"]
        names = [(each["name"], each["in"]) for each in call.get("parameters", [])]
        assert len(names) == len(set(names)), path
        assert all(
            each["in"] in {"path", "query", "header"} and "schema" in each
            for each in call.get("parameters", [])
        )


def test_every_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}
    assert references
    for reference in references:
        prefix, _, name = reference.rpartition("/")
        assert prefix == "#/components/schemas"
        assert name in document["components"]["schemas"]


def test_path_parameters_are_declared(document: dict[str, Any]) -> None:
    for _, path, call in calls(document):
        declared = {each["name"] for each in call.get("parameters", []) if each["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), path
        assert all(each["required"] for each in call.get("parameters", []) if each["in"] == "path")


def test_every_body_and_every_error_is_described(document: dict[str, Any]) -> None:
    bodies = {(method, path) for method, path, call in calls(document) if "requestBody" in call}
    assert bodies == {
        ("post", "/api/login"),
        ("post", "/api/app"),
        ("put", "/api/app"),
        ("post", "/api/job/register"),
        ("put", "/api/job/update"),
        ("post", "/api/job/trigger"),
        ("post", "/api/job/runs/{runId}/rerun"),
        ("post", "/api/job/bulk"),
        ("delete", "/api/job/deregister"),
        ("put", "/api/alert/rules/{scope}"),
        ("put", "/api/alert/channels/{name}"),
        ("post", "/api/alert/silences"),
    }
    for method, path, call in calls(document):
        assert {"200", "503"} <= set(call["responses"]), path
        assert ("401" in call["responses"]) is (path != "/api/logout"), path
        assert "422" not in call["responses"]
        if (method, path) in bodies:
            assert {"400", "413", "415"} <= set(call["responses"]), path
        for status, response in call["responses"].items():
            if status == "200" and path in NOT_JSON:
                assert set(response["content"]) == {"text/plain"}
                continue
            schema = response["content"]["application/json"]["schema"]
            assert (schema == {"$ref": "#/components/schemas/Error"}) is (status != "200")


def test_examples_of_bodies_can_be_sent(
    document: dict[str, Any], memory_server: MemoryServer, admin: httpx.Client
) -> None:
    memory_server.scheduler.runs.put(run_of(1))
    sent = []
    # By their names apps come before jobs, and `post` before `put`.
    for method, path, call in sorted(calls(document), key=lambda call: (call[1], call[0])):
        content = call.get("requestBody", {"content": {}})["content"].get("application/json", {})
        if "example" in content:
            target = path.format(scope="global", name="ops", runId=1)
            answer = admin.request(method, target, json=content["example"])
            assert answer.status_code == 200, answer.text
            sent.append((method, path))
    assert len(sent) == 10
    trigger = document["paths"]["/api/job/trigger"]["post"]["requestBody"]["content"]["application/json"]
    for example in trigger["examples"].values():
        value = example["value"]
        content = value if isinstance(value, str) else json.dumps(value)
        assert admin.post("/api/job/trigger", content=content).text == "true"


def test_bare_words_are_described(document: dict[str, Any]) -> None:
    for method, path in (("post", "/api/job/trigger"), ("delete", "/api/job/deregister")):
        content = document["paths"][path][method]["requestBody"]["content"]
        assert set(content) == {"application/json", "text/plain"}
        assert content["application/json"]["examples"]["bare word"]["value"] == "my_job"


def test_every_field_of_the_manual_is_described(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["JobRequest"]
    assert {
        "appName",
        "cpuCount",
        "memoryMB",
        "jobExecutionType",
        "jobName",
        "cron",
        "shardingTotalCount",
        "shardingItemParameters",
        "jobParameter",
        "failover",
        "misfire",
        "jobExecutorServiceHandlerType",
        "jobErrorHandlerType",
        "description",
        "props",
        "jobClass",
    } <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    assert schema["properties"]["jobClass"]["deprecated"] is True


def test_all_ways_to_send_a_token_are_described(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {
        "accessToken": {"type": "apiKey", "in": "header", "name": "accessToken"},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": "elasticjob_session"},
        "console": {"type": "apiKey", "in": "header", "name": "X-Elasticjob-Console"},
    }
    paths = document["paths"]
    assert paths["/api/login"]["post"]["security"] == []
    assert paths["/api/logout"]["post"]["security"] == []
    tokens: list[dict[str, list[str]]] = [{"accessToken": []}, {"bearer": []}]
    assert paths["/api/app/list"]["get"]["security"] == [*tokens, {"session": []}]
    # A page of another site has the cookie sent, and cannot send the header.
    assert paths["/api/app"]["post"]["security"] == [*tokens, {"session": [], "console": []}]
    assert set(paths["/api/logout"]["post"]["responses"]) == {"200", "403", "503"}
    assert set(paths["/api/me"]["get"]["responses"]) == {"200", "401", "403", "503"}


def test_page_loads_nothing_from_elsewhere(server: str) -> None:
    page = http_get(f"{server}/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy
    script = http_get(f"{server}/api/docs.js")
    for text in (page.text, script.text):
        assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    # Swagger UI's default shows the document to validator.swagger.io.
    assert "validatorUrl: null" in script.text


def test_files_of_the_page_have_their_types_and_are_kept_for_a_while(server: str) -> None:
    page = http_get(f"{server}/api/docs").text
    names = set(re.findall(r'(?:src|href)="([a-z.-]+)"', page)) - {"openapi.json"}
    assert names == {"docs.js", "swagger-ui-bundle.js", "swagger-ui.css"}
    for name in names:
        answer = http_get(f"{server}/api/{name}")
        assert answer.status_code == 200
        kind = "css" if name.endswith("css") else "javascript"
        assert answer.headers["content-type"] == f"text/{kind}; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        kept = "private, max-age=3600" if name.startswith("swagger-ui") else "no-store"
        assert answer.headers["cache-control"] == kept


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium")
def test_browser_shows_all_calls_under_the_pages_own_policy(
    server: str, document: dict[str, Any], tmp_path: Path
) -> None:
    assert BROWSER is not None
    # Chromium has no sandbox for root, and waits until the page has loaded: its time is virtual.
    options = ("--headless", "--no-sandbox", "--virtual-time-budget=20000", f"--user-data-dir={tmp_path}")
    shown = subprocess.run(
        [BROWSER, *options, "--dump-dom", f"{server}/api/docs"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    for _, path, _ in calls(document):
        assert f'data-path="{path}"' in shown
    assert f'<option value="{server}">' in shown
