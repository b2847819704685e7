"""Stand-ins in a folder that httpd's children can enter, whose path leaves room for the names of sockets."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, Backends

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


@pytest.fixture(scope="module")
def backends(ca: CA) -> Iterator[Backends]:
    folder = Path(tempfile.mkdtemp(prefix="modssl-b"))
    folder.chmod(0o711)
    with Backends(folder, ca) as backends:
        yield backends
    shutil.rmtree(folder)
