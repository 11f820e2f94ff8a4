"""The console script `elasticjob-cloud`. `run-local` needs the SDK alone, all else the extra `[scheduler]`."""

import sys

_MISSING = """\
elasticjob-cloud: {module} is not installed. The SDK, which needs nothing else, has one command:

    elasticjob-cloud run-local --help

For the scheduler and the other commands: pip install "elasticjob-cloud[scheduler]"
"""
_EXIT_MISSING = 2


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    if sys.argv[1:2] == ["run-local"]:
        from elasticjob_cloud.sdk.run_local import main as run_local

        sys.exit(run_local(sys.argv[2:]))
    try:
        from elasticjob_cloud.cli.main import main as run_command

        # Here too: the server is imported when its command is called.
        run_command()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("elasticjob_cloud."):
            raise  # a fault of ours, which no installation mends
        sys.stderr.write(_MISSING.format(module=error.name))
        sys.exit(_EXIT_MISSING)


if __name__ == "__main__":
    main()
