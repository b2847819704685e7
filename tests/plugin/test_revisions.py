"""`--modssl-base`: what changed in what clients see, told once, whichever process found it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.repo.reviewed import edit, two_sites

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.targets.base import Target


@pytest.fixture
def repository(pytester: pytest.Pytester, outer_target: Target) -> Path:
    """A repository with one commit, in which two sites are deployed."""
    return two_sites(pytester.path)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--modssl", "--modssl-checks=changes", "--modssl-base=main", *options)


def summary(result: pytest.RunResult) -> list[str]:
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "modssl: what clients see otherwise" in line)
    return [line for line in lines[start + 1 :] if not line.startswith("=")]


def test_a_change_is_told_at_the_end_with_the_lines_of_both_revisions(
    pytester: pytest.Pytester, repository: Path
) -> None:
    edit(repository / "conf/httpd.conf", "+TLSv1.2 +TLSv1.3", "+TLSv1.2")
    edit(repository / "hosts/0-www.conf", "Redirect 302", "Redirect 301")
    edit(repository / "hosts/0-www.conf", "X-Frame-Options DENY", "X-Other on")
    (repository / "hosts/1-shop.conf").unlink()
    result = run(pytester, "-n1", "--junit-xml=junit.xml")
    result.assert_outcomes(passed=1)
    to = "https://www.review.example/"
    assert summary(result)[1:] == [
        "shop.review.example:80",
        "    no virtual host any more: http://shop.review.example/",
        "        was main:hosts/1-shop.conf:1",
        "shop.review.example:443",
        "    no virtual host any more: https://shop.review.example/",
        "        was main:hosts/1-shop.conf:5",
        "www.review.example:443",
        "    TLSv1.3 is refused now",
        "        conf/httpd.conf:12: SSLProtocol -all +TLSv1.2",
        "        was main:conf/httpd.conf:12: SSLProtocol -all +TLSv1.2 +TLSv1.3",
        "    new field X-Other: on",
        "        hosts/0-www.conf:10: Header always set X-Other on",
        "    no field X-Frame-Options any more, was DENY",
        "        hosts/0-www.conf:5",
        "        was main:hosts/0-www.conf:10: Header always set X-Frame-Options DENY",
        "www.review.example:80",
        f"    http://www.review.example/: 301 to {to} now, was 302 to {to}",
        "        hosts/0-www.conf:3: Redirect 301 / https://www.review.example/",
        "        was main:hosts/0-www.conf:3: Redirect 302 / https://www.review.example/",
    ]
    assert result.stdout.str().count("TLSv1.3 is refused now") == 1
    assert "TLSv1.3 is refused now" in (repository / "junit.xml").read_text()


def test_a_change_fails_where_nothing_may_change(pytester: pytest.Pytester, repository: Path) -> None:
    edit(repository / "hosts/0-www.conf", "DENY", "SAMEORIGIN")
    result = run(pytester, "--modssl-unchanged")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "changes since main (*",
            "www.review.example:443",
            "    X-Frame-Options: SAMEORIGIN now, was DENY",
            "        hosts/0-www.conf:10: Header always set X-Frame-Options SAMEORIGIN",
            "        was main:hosts/0-www.conf:10: Header always set X-Frame-Options DENY",
        ]
    )
    assert result.stdout.str().partition("short test summary")[0].count("SAMEORIGIN now") == 1
