"""Jobs named on a command line."""

import sys
from pathlib import Path

import pytest

from elasticjob_cloud import StartError
from elasticjob_cloud.sdk.jobs.spec import load_job, load_jobs
from elasticjob_cloud.sdk.run_local import parse_parameters


def test_attribute_of_a_module_is_loaded() -> None:
    assert load_job("os.path:join") is __import__("os").path.join


def test_attribute_may_have_dots() -> None:
    loaded: object = load_job("pathlib:Path.cwd")
    assert loaded == Path.cwd


def test_several_jobs_are_loaded_by_name() -> None:
    jobs = load_jobs(["a=os:getpid", "b=os:getcwd"])
    assert jobs == {"a": __import__("os").getpid, "b": __import__("os").getcwd}


@pytest.mark.parametrize(
    "specs, part",
    [
        ([], "No job given"),
        (["a=os:getpid", "os:getcwd"], "job_name=module:Job"),
        (["a=os:getpid", "a=os:getcwd"], "given twice"),
        (["os:"], "names no job"),
        ([":x"], "names no job"),
        (["os"], "names a module"),
        (["os:getpidd"], "Did you mean 'getpid'"),
        (["os:sep"], "is no job"),
        (["os.path:join.nothing_like_it"], "has no 'nothing_like_it'"),
        (["no_such_module:Job"], "There is no module 'no_such_module'"),
        (["jobs.py:Job"], "without .py"),
    ],
)
def test_wrong_spec_gets_advice(specs: list[str], part: str) -> None:
    with pytest.raises(StartError, match=part):
        load_jobs(specs)


def test_parameters_are_read() -> None:
    assert parse_parameters("0=Beijing, 1=a=b,", 2) == {0: "Beijing", 1: "a=b"}
    assert parse_parameters("", 2) == {}


@pytest.mark.parametrize(
    "text", ["Beijing", "x=1", "=1", "2=too far", "-1=x", "0=a\uff0c1=b", "0=a;1=b", "0=a\n1=b"]
)
def test_wrong_parameters_are_refused(text: str) -> None:
    with pytest.raises(StartError, match="--parameters"):
        parse_parameters(text, 2)


def test_nothing_was_imported_by_mistake() -> None:
    assert "no_such_module" not in sys.modules
