"""A configuration beside that of another revision, both running: what is told of the two."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.plugin import run_of
from pytest_modssl.repo.base import Base
from pytest_modssl.repo.checks import Hosts, Observed
from pytest_modssl.repo.discover import discover
from tests.repo.reviewed import MAIN, commit, edit, git, two_sites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.repo.base import Review
    from pytest_modssl.targets.base import Target

# What is compared are values that were seen: where httpd runs is nothing to it.
pytestmark = pytest.mark.any_target


class Comparing(Protocol):
    def __call__(self, root: Path, *, number: int = 0, run: bool = True) -> Review: ...


@pytest.fixture
def comparing(modssl_target: Target, request: pytest.FixtureRequest) -> Iterator[Comparing]:
    """Compares a configuration of a repository with `main`."""
    own = run_of(request.config)
    assert own is not None
    holder = object()

    def compare(root: Path, *, number: int = 0, run: bool = True) -> Review:
        here = discover(root).found
        found = here[number]

        def observed() -> Observed:
            assert run, "there is nothing to look at"
            study = own.study(modssl_target, found)
            server = own.serve(modssl_target, study, holder)
            return Observed(server, Hosts(study.hosts), study.client_for)

        base = Base(root, "main", here, run=own, discover=discover, start=root)
        return base.compare(found, modssl_target, observed)

    yield compare
    own.release(holder)


def test_what_no_client_sees_is_no_change(comparing: Comparing, tmp_path: Path) -> None:
    two_sites(tmp_path)
    edit(tmp_path / "hosts/0-www.conf", "    Redirect 302", "    # as it was\n    Redirect temp")
    found = comparing(tmp_path)
    assert found.lines == ()
    assert str(found).startswith("no changes since main (")


@pytest.mark.parametrize("more", ["", "Listen 8080\n"])
def test_equal_files_alone_are_not_run(comparing: Comparing, tmp_path: Path, more: str) -> None:
    two_sites(tmp_path)
    edit(tmp_path / "conf/httpd.conf", "Listen 443\n", f"Listen 443\n{more}")
    with pytest.raises(AssertionError, match="nothing to look at") if more else contextlib.nullcontext():
        assert comparing(tmp_path, run=False).lines == ()


def test_a_base_that_httpd_refuses_is_told_with_its_diagnosis(comparing: Comparing, tmp_path: Path) -> None:
    two_sites(tmp_path)
    edit(tmp_path / "conf/httpd.conf", "SSLProtocol ", "SSLProtocoll ")
    commit(tmp_path, {})
    edit(tmp_path / "conf/httpd.conf", "SSLProtocoll ", "SSLProtocol ")
    told = str(comparing(tmp_path))
    assert "nothing to compare: httpd does not start with main:conf/httpd.conf" in told
    assert "alike are SSLProtocol" in told
    assert "at main:conf/httpd.conf:12" in told


def test_a_configuration_that_has_moved_is_compared(comparing: Comparing, tmp_path: Path) -> None:
    two_sites(tmp_path)
    (tmp_path / "web").mkdir()
    git(tmp_path, "mv", "conf", "hosts", "web")
    edit(tmp_path / "web/hosts/0-www.conf", "DENY", "SAMEORIGIN")
    assert comparing(tmp_path).lines == (
        "www.review.example:443",
        "    X-Frame-Options: SAMEORIGIN now, was DENY",
        "        web/hosts/0-www.conf:10: Header always set X-Frame-Options SAMEORIGIN",
        "        was main:hosts/0-www.conf:10: Header always set X-Frame-Options DENY",
    )


def test_configurations_that_come_and_go_are_told(comparing: Comparing, tmp_path: Path) -> None:
    two_sites(tmp_path)
    git(tmp_path, "rm", "-q", "-r", "conf", "hosts")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "httpd.conf").write_text(MAIN.replace("Include", "IncludeOptional"))
    first, second = comparing(tmp_path), comparing(tmp_path, number=1)
    assert first.lines[0].startswith("one/httpd.conf is new: main (")
    assert first.lines[1:] == ("no configuration conf/httpd.conf any more",)
    assert len(second.lines) == 1
    assert second.lines[0].startswith("two/httpd.conf is new: main (")
