"""`pytest-modssl matrix`: the targets of a project as the matrix of a CI system."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING

from pytest_modssl.cli.declare import add_command
from pytest_modssl.cli.output import write
from pytest_modssl.errors import ProjectError
from pytest_modssl.matrix.ci import FORMATS

if TYPE_CHECKING:
    import argparse

    import pytest


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "matrix",
        _run,
        short="print a project's targets as the matrix of a CI system",
        description="Prints one job for each target that `pytest --modssl` would run on in the folder (modssl_target "
        "in pytest's configuration, --modssl-target in addopts, PYTEST_MODSSL_TARGET), and for each part of the tests.",
        examples={
            "matrix": "a JSON list of jobs, for any system",
            "matrix --format github --shards 4": "for fromJSON() in a workflow",
            "matrix --format gitlab > matrix.yml": "for include: in a pipeline",
        },
        note="There is no --json, as JSON is what it prints unless --format says otherwise.",
    )
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="the project, or a folder in it (default: this one)"
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="json", help="what for (default: json)")
    parser.add_argument("--shards", type=int, default=1, metavar="N", help="parts to split the tests into (default: 1)")


def _run(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.shards <= 256:
        # A workflow of GitHub has 256 jobs at most (its documentation, "Usage limits").
        arguments.usage.error(f"--shards is a number from 1 to 256, not {arguments.shards}")
    write(FORMATS[arguments.format](targets_of(arguments.folder), arguments.shards))
    return 0


class _Reader:
    """Takes the place of pytest's own work, once it has read its configuration."""

    def __init__(self) -> None:
        self.targets: tuple[str, ...] = ()

    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        from pytest_modssl.plugin import read_settings

        self.targets = read_settings(config).targets.value
        return 0


def targets_of(folder: str) -> tuple[str, ...]:
    """The targets of a project as they are written; pytest itself finds and reads its configuration.

    Args:
        folder: the project's folder, or one in it.

    Raises:
        ProjectError: when there is no such folder, or pytest refuses its configuration.
    """
    import pytest

    if not os.path.isdir(folder):  # noqa: PTH112 - a text, as it was given
        raise ProjectError(f"{folder} is no folder")
    reader = _Reader()
    # What conftest files and plugins find to say is not for a file that a CI system reads; pytest's own capture would
    # give it to the terminal in the end.
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        status = pytest.main(["--capture=no", folder], plugins=[reader])
    if status != pytest.ExitCode.OK:
        raise ProjectError(f"pytest refuses the configuration of {folder}: {said.getvalue().strip()}")
    return reader.targets
