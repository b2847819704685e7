"""The command line, `pytest-modssl` or `python -m pytest_modssl`: one module beside this for each command.

A command is a module with `declare(commands)`, which adds its parser with a function from the parsed arguments to an
exit status (`declare.py`); it is named in `_COMMANDS`. Only the command that is called loads what it works with. Its
answer alone goes to standard output, as text or, with `--json`, as one JSON document (`output.py`). What each exit
status means is in `statuses.py`.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import TYPE_CHECKING

from pytest_modssl import __version__
from pytest_modssl.cli import doctor, faq, httpds, images, init, matrix, report, scan, serve
from pytest_modssl.cli.declare import PROGRAM, answer_shell
from pytest_modssl.cli.output import say
from pytest_modssl.cli.statuses import EXIT_STATUS
from pytest_modssl.errors import ModsslError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (doctor, serve, scan, init, faq, report, matrix, images, httpds)


def parser() -> argparse.ArgumentParser:
    """What reads the command line, with every command."""
    made = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Test Apache httpd configurations over real TLS. `pytest --modssl` runs the tests; these commands "
        "are for all around them. COMMAND --help tells more of each.",
        epilog=f"exit status: {'; '.join(f'{status} {meaning}' for status, meaning in EXIT_STATUS.items())}",
    )
    made.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.declare(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status of one call of the command line.

    Args:
        arguments: what follows the program's name; by default what this process was called with.
    """
    reads = parser()
    if "_ARGCOMPLETE" in os.environ:
        answer_shell(reads)
    parsed = reads.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what its encoding has not is escaped there, as on standard error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(parsed.run(parsed))
    except ModsslError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:  # the reader has what it wanted, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
