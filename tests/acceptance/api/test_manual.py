"""The manual's own lines, as users type them: real curl, in order, only the host replaced (configuration manual)."""

import json

from tests.acceptance.api.manual_lines import run_line


def test_manuals_lines_work_in_order(server: str) -> None:
    body, status = run_line("login", server)
    assert status == 200
    token = json.loads(body)["accessToken"]
    assert list(json.loads(body)) == ["accessToken"]
    for name in ("publish", "change", "register", "update", "trigger", "deregister"):
        assert run_line(name, server, token) == ("true", 200), name


def test_manuals_lines_without_a_token_are_refused(server: str) -> None:
    for name in ("publish", "change", "register", "update", "trigger", "deregister"):
        body, status = run_line(name, server)
        assert (json.loads(body), status) == ({"message": "Unauthorized."}, 401), name


def test_manuals_lines_twice_are_conflicts_or_unknown(server: str) -> None:
    token = json.loads(run_line("login", server)[0])["accessToken"]
    statuses = [
        run_line(name, server, token)[1]
        for name in (
            "change",
            "register",
            "publish",
            "publish",
            "update",
            "trigger",
            "register",
            "register",
            "deregister",
            "deregister",
            "trigger",
        )
    ]
    assert statuses == [404, 404, 200, 409, 404, 404, 200, 409, 200, 404, 404]
