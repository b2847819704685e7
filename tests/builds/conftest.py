"""The httpds that are really built: minutes each, the first time. Nothing but `make test-builds` runs these tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl import CA
from pytest_modssl.httpds import kinds
from pytest_modssl.httpds.wishes import Wishes
from pytest_modssl.progress import in_lines
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.installation import Installation


class TargetOf(Protocol):
    def __call__(self, name: str) -> LocalTarget: ...


@pytest.fixture(scope="session")
def ca() -> CA:
    return CA()


@pytest.fixture(scope="session")
def target_of() -> Iterator[TargetOf]:
    """The target of a name, made when it is not there."""
    owner = Owner(new_run())

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    def target_of(name: str) -> LocalTarget:
        kept = kinds.get(name, Wishes(say=in_lines(say)))
        return LocalTarget(kept.installation(), owner, start_seconds=20, name=name.replace(":", "-"))

    yield target_of
    owner.close()


@pytest.fixture(scope="session")
def old_client(target_of: TargetOf) -> Installation:
    """An OpenSSL that still speaks all that is old."""
    return target_of("source:2.4.69-legacy").installation
