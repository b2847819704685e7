"""The table of builds: what it promises is there, and what changes a build changes its digest."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds.builds import build_of, builds


@pytest.mark.parametrize("name", builds())
def test_a_build_has_its_archives_and_a_reason_for_what_is_special(name: str) -> None:
    build = build_of(name)
    assert all(re.fullmatch("[0-9a-f]{64}", archive.sha256) for archive in build.archives)
    assert f"-{name.partition('-')[0]}." in build.httpd.file
    assert bool(build.reason) == (bool(build.flags) or build.openssl is not None)


def test_no_two_builds_are_one() -> None:
    assert len({build.digest for build in builds().values()}) == len(builds())


def test_what_changes_the_outcome_changes_the_digest() -> None:
    plain, legacy = build_of("2.4.69"), build_of("2.4.69-legacy")
    assert legacy.openssl is not None
    assert replace(plain, openssl=legacy.openssl).digest == legacy.digest != plain.digest
    assert replace(plain, flags="-DA").digest != plain.digest
    assert replace(plain, httpd=replace(plain.httpd, sha256="0" * 64)).digest != plain.digest


def test_a_name_that_no_build_has_is_told_with_those_there_are() -> None:
    with pytest.raises(FetchError, match=r"'2\.4\.1' .* 2\.4\.69, .*2\.4\.69-legacy"):
        build_of("2.4.1")
