"""What the core advises to users of its REST API is told as commands to users of the command line."""

import pytest

from elasticjob_cloud.cli.main import print_error
from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    PublishApp,
    RegisterJob,
)
from tests.unit.scheduling.core_driver import CoreDriver, app, job


@pytest.mark.parametrize(
    "command, said, advised",
    [
        (PublishApp(app()), "App 'app' exists already.", "app update APP_NAME ..."),
        (DeleteApp("nope"), "There is no app 'nope'.", "app publish APP_NAME ..."),
        (RegisterJob(job()), "Job 'job' exists already.", "job update JOB_NAME ..."),
        (DeregisterJob("nope"), "There is no job 'nope'.", "job register JOB_NAME --app-name APP_NAME ..."),
    ],
)
def test_error_names_the_command_to_run_next(
    command: ApiCommand, said: str, advised: str, capsys: pytest.CaptureFixture[str]
) -> None:
    driver = CoreDriver()
    driver.ask(RegisterJob(job()))
    with pytest.raises(ElasticJobError) as caught:
        driver.ask(command)
    print_error(caught.value)
    shown = capsys.readouterr().err
    assert said in shown
    assert f"elasticjob-cloud {advised}" in shown
    assert "/api/" not in shown
