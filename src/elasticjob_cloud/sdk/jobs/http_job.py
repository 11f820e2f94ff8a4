"""Jobs of type `HTTP`: each shard is one request, which the job's `props` describe (ElasticJob's keys)."""

import json
import logging

from elasticjob_cloud.model.errors import JobExecutionError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.sdk.http_client import Exchange, HttpRequest, check_url, seconds_of
from elasticjob_cloud.sdk.jobs.killable_wait import wait_for

CONTEXT_HEADER = "shardingContext"
_CONNECT_MILLISECONDS = 3000
_READ_MILLISECONDS = 5000
_WITHOUT_DATA = {"GET", "HEAD", "OPTIONS", "TRACE"}
_logger = logging.getLogger("elasticjob_cloud.job")


def call_http(context: ShardingContext) -> None:
    """Send the shard's request, and print the body of the answer.

    Raises:
        JobExecutionError: If there was no answer, its status is 400 or above or a redirect that cannot be followed, or
            `props` are wrong.
    """
    request = read_request(context)
    exchange = Exchange(request)
    answer = wait_for(exchange.send, exchange.cancel)
    if answer.text:
        print(answer.text, end="" if answer.text.endswith("\n") else "\n")  # noqa: T201 - the task's output
    if answer.is_cut:
        _logger.warning("The answer is longer than %d bytes; the rest was left out", request.body_limit_bytes)
    if answer.status >= 400:
        raise JobExecutionError(f"{request.shown} was answered with {answer.status} {answer.reason}.")
    if answer.status >= 300:
        # Whatever was to be done would be done there, behind a log-in page for one.
        raise JobExecutionError(
            f"{request.shown} was answered with {answer.status} {answer.reason}, which was not followed: "
            "it leads to no URL of the same protocol."
        )


def read_request(context: ShardingContext) -> HttpRequest:
    """Make the request of a shard from the job's `props`.

    Raises:
        JobExecutionError: If one of them is missing or wrong.
    """
    props = context.props
    url = props.get("http.uri") or props.get("http.url") or ""
    if not url.strip():
        raise JobExecutionError("A job of type HTTP needs the property http.uri, the URL to call.")
    data = props.get("http.data")
    method = props.get("http.method", "").strip().upper() or ("POST" if data else "GET")
    if not (method.isascii() and method.isalpha()):
        raise JobExecutionError(f"http.method must be a method of HTTP, as GET or POST, not {method!r}.")
    headers = {CONTEXT_HEADER: header_of(context)}
    content_type = props.get("http.content.type", "").strip()
    if content_type:
        headers["Content-Type"] = content_type
    return HttpRequest(
        method,
        check_url(url, "http.uri"),
        data.encode() if data and method not in _WITHOUT_DATA else None,
        headers,
        seconds_of(props, ("http.connect.timeout.milliseconds",), _CONNECT_MILLISECONDS),
        seconds_of(props, ("http.read.timeout.milliseconds",), _READ_MILLISECONDS),
    )


def header_of(context: ShardingContext) -> str:
    """Return the sharding context as a header's value: what scripts get, and ElasticJob's fields of the one shard.

    All beyond ASCII is escaped, which a reader of JSON undoes.
    """
    fields = json.loads(context.to_json())
    fields |= {"shardingItem": context.sharding_item, "shardingParameter": context.sharding_parameter}
    return json.dumps(fields, separators=(",", ":"))
