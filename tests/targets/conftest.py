"""What the tests of targets share: a registry of their own, and a target on it."""

from __future__ import annotations

import io
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run, remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.engine import Engine


@pytest.fixture(scope="session")
def ca() -> CA:
    return CA()


@pytest.fixture
def base() -> Iterator[Path]:
    """A base folder for a registry, short enough for sockets and open to all (pytest's own `tmp_path` is 0700)."""
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    remove_folder(folder)


@pytest.fixture
def owner(base: Path) -> Iterator[Owner]:
    owner = Owner(new_run(), base=base)
    yield owner
    owner.close()


@pytest.fixture
def local(local_installation: Installation, owner: Owner) -> LocalTarget:
    """A local target whose servers are this test's alone."""
    return LocalTarget(local_installation, owner, start_seconds=20)


@pytest.fixture
def bare_image(engine: Engine, image: str) -> Iterator[str]:
    """An image that has a shell and no httpd."""
    name = f"modssl-test-bare:{uuid.uuid4().hex}"
    recipe = io.BytesIO(f"FROM {image}\nRUN rm /usr/sbin/apache2\n".encode())
    engine.client.images.build(fileobj=recipe, tag=name, rm=True)
    yield name
    engine.client.images.remove(name, force=True)
