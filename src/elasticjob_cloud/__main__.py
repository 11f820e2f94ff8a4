"""`python -m elasticjob_cloud module:Job`: an app's bootstrap script without writing one."""

import sys
from collections.abc import Sequence

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.sdk.bootstrap import JobBootstrap
from elasticjob_cloud.sdk.spec import load_jobs

_USAGE = """\
usage: python -m elasticjob_cloud module:Job
       python -m elasticjob_cloud job_name=module:Job [job_name=module:Job ...]

The bootstrapScript of an app: serves its jobs to the agent that starts it. The first form serves every job
name of the app with one job. Modules are looked for in the working directory, which is the extracted app.
To run a job by hand: elasticjob-cloud run-local module:Job
"""


def main(arguments: Sequence[str]) -> int:
    """Serve the jobs that the arguments name; give the process's exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        (sys.stdout if arguments else sys.stderr).write(_USAGE)
        return 0 if arguments else 2
    try:
        JobBootstrap.execute(load_jobs(arguments))
    except StartError as error:
        sys.stderr.write(f"elasticjob-cloud: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
