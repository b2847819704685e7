"""The command line, `pytest-modssl` or `python -m pytest_modssl`: one module beside this for each command.

A command is a module with `declare(commands)`, which adds its parser and sets `run=` to a function from the parsed
arguments to an exit status; it is named in `_COMMANDS`. Only the command that is called loads what it works with.

Exit status: 0 when it was done; 1 when it could not be done, with the reason on standard error; 2 when the command line
was wrong; 130 when it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from pytest_modssl import __version__
from pytest_modssl.cli import doctor, faq, httpds, images, init, matrix, report, scan, serve
from pytest_modssl.errors import ModsslError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (doctor, faq, httpds, images, init, matrix, report, scan, serve)

EXIT_STATUS = {0: "done", 1: "not done (the reason is on standard error)", 2: "wrong usage", 130: "interrupted"}


def parser() -> argparse.ArgumentParser:
    """What reads the command line, with every command."""
    made = argparse.ArgumentParser(
        prog="pytest-modssl",
        description="Test Apache httpd configurations over real TLS.",
        epilog=f"exit status: {', '.join(f'{status} {meaning}' for status, meaning in EXIT_STATUS.items())}",
    )
    made.add_argument("--version", action="version", version=f"pytest-modssl {__version__}")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.declare(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status of one call of the command line.

    Args:
        arguments: what follows the program's name; by default what this process was called with.
    """
    parsed = parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except ModsslError as error:
        sys.stderr.write(f"pytest-modssl: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("pytest-modssl: interrupted\n")
        return 130
    except BrokenPipeError:  # the reader has what it wanted, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
