"""`python -m elasticjob_cloud module:Job`: an app's bootstrap script without writing one."""

import sys
from collections.abc import Sequence

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.sdk.bootstrap import JobBootstrap
from elasticjob_cloud.sdk.jobs.spec import load_jobs, load_listener

_USAGE = """\
usage: python -m elasticjob_cloud [--listener module:Listener ...] module:Job
       python -m elasticjob_cloud [--listener module:Listener ...] job_name=module:Job [job_name=module:Job ...]

The bootstrapScript of an app: serves its jobs to the agent that starts it. The first form serves every job
name of the app with one job. Modules are looked for in the working directory, which is the extracted app.
HTTP in place of module:Job serves jobs whose props describe a request (http.uri), without any code of yours;
SCRIPT those of script.command.line, on agents that do not run these themselves.
To run a job by hand: elasticjob-cloud run-local module:Job
"""


def main(arguments: Sequence[str]) -> int:
    """Serve the jobs that the arguments name; give the process's exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        (sys.stdout if arguments else sys.stderr).write(_USAGE)
        return 0 if arguments else 2
    try:
        listeners, jobs = _split(arguments)
        JobBootstrap.execute(load_jobs(jobs), listeners=[load_listener(spec) for spec in listeners])
    except StartError as error:
        sys.stderr.write(f"elasticjob-cloud: {error}\n")
        return error.exit_code
    return 0


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell the listeners from the jobs."""
    listeners, jobs = [], []
    rest = iter(arguments)
    for argument in rest:
        option, separator, spec = argument.partition("=")
        if option != "--listener":
            jobs.append(argument)
            continue
        listener = spec if separator else next(rest, "")
        if not listener:
            raise StartError("--listener needs a value: write --listener module:Listener.")
        listeners.append(listener)
    return listeners, jobs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
