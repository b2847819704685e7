"""Runs on an httpd that is not installed: what `auto` ends with on a bare machine, and what offline mode forbids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.httpds import debian

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(debian.why_not_here() is not None, reason=str(debian.why_not_here()))

BARE = """
    from pytest_modssl.httpd import installation

    installation.CANDIDATES = ("apache2", "httpd")
"""
SERVERS = """
    import pytest

    @pytest.mark.parametrize("n", range(4))
    def test_server(modssl_server, n):
        assert modssl_server.environment("https://www.example.test/env.cgi")["SSL_PROTOCOL"] == "TLSv1.3"
"""


@pytest.fixture
def bare(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A machine with neither an httpd nor an engine."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    for name in ("PYTEST_MODSSL_TARGET", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest(BARE)
    pytester.makepyfile(SERVERS)
    return pytester


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pytest-modssl" / "httpds"


def test_auto_fetches_an_httpd_once_on_a_bare_machine_says_so_and_shares_it(
    bare: pytest.Pytester, empty_cache: Path
) -> None:
    result = bare.runpytest_subprocess("--modssl", "-n", "2")
    result.assert_outcomes(passed=4)
    lines = [line for line in result.stdout.lines if line.startswith("modssl: ")]
    assert [line.startswith("modssl: fetching ") for line in lines[:2]] == [True, True]
    assert re.fullmatch(r"modssl: unpacking packages \(\d+\)", lines[2])
    assert "modssl: debian:trixie is httpd 2.4." in lines[3]
    assert lines[3].endswith(f"kept in {empty_cache}/debian-trixie")
    assert lines[4].startswith("modssl: debian-trixie-httpd2.4.")
    assert lines[4].endswith("; auto: neither an httpd on this machine nor a container engine)")
    again = bare.runpytest_subprocess("--modssl", "--modssl-offline", "-p", "no:xdist")
    again.assert_outcomes(passed=4)
    again.stdout.no_fnmatch_line("modssl: fetching*")


def test_offline_with_nothing_there_is_an_error_that_says_what_to_do(bare: pytest.Pytester, empty_cache: Path) -> None:
    for target in ("auto", "debian:sid"):
        result = bare.runpytest_subprocess("--modssl", "--modssl-offline", f"--modssl-target={target}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*offline mode forbids*"])
    assert not empty_cache.exists()


def test_two_suites_with_the_same_versions_are_two_targets(bare: pytest.Pytester) -> None:
    """`forky` and `sid` often have the same httpd; their names tell them apart."""
    result = bare.runpytest_subprocess("--modssl", "--modssl-target=debian:trixie,debian", "-p", "no:xdist")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*target debian is the same httpd as another target of this run (debian-trixie-*)*"])


def test_an_unknown_suite_is_told_with_those_that_there_are(bare: pytest.Pytester) -> None:
    result = bare.runpytest_subprocess("--modssl-target=debian:woody")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'debian:woody' is none of debian:bullseye, debian:bookworm, debian:trixie,*"])
