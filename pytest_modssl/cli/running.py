"""The servers of one call of the command line."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_modssl.cli.output import say
from pytest_modssl.errors import ModsslError
from pytest_modssl.settings import TARGET, SettingError, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.run import Run


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
    from pytest_modssl.targets.registry import new_run

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
