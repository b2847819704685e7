"""The servers of one call of the command line."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslError
from pytest_modssl.settings import TARGET, SettingError, resolve
from pytest_modssl.targets.registry import new_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_modssl.run import Run


def add_target(parser: argparse.ArgumentParser, what: str, *, otherwise: str = "local") -> None:
    """Adds the option `--target`, with the help `what` and the target that is taken without it."""
    parser.add_argument(
        "--target",
        metavar="TARGET",
        default="",
        help=f"{what}, as for --modssl-target (default: PYTEST_MODSSL_TARGET, else {otherwise})",
    )


@contextmanager
def running(target: str, *, otherwise: str = "local") -> Iterator[Run]:
    """A run with one target, until the end of the block.

    Args:
        target: the target's name; empty takes that of the environment.
        otherwise: the target where neither names one.

    Raises:
        ModsslError: where no target is called so.
    """
    from pytest_modssl.progress import in_lines
    from pytest_modssl.run import Run

    try:
        settings = resolve({TARGET.ini: [target]} if target else {}, os.environ, {TARGET.ini: [otherwise]})
    except SettingError as error:
        raise ModsslError(str(error)) from None
    run = Run(settings, new_run(), say=in_lines(say))
    try:
        yield run
    finally:
        run.close()
        run.end()


def say(line: str) -> None:
    """Tells the user of progress, on standard error."""
    sys.stderr.write(f"pytest-modssl: {line}\n")
    sys.stderr.flush()
