"""The web console's page and files, as its build made them (docs/console.md). The code of the console is in `console/`."""
