"""The command line: `python -m core`."""

from core.cli.commands import main as main
