"""Features of an httpd: asked of the real one by a directive, and told apart from an httpd that cannot be asked."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import StartError, Version
from pytest_modssl.httpd.features import FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.base import Target


@pytest.fixture
def installation(modssl_target: Target) -> Installation:
    """That of the target, which has been asked nothing yet."""
    return replace(modssl_target.installation)


def answering(status: int, stderr: str) -> tuple[list[Sequence[str]], object]:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(argv)
        return subprocess.CompletedProcess(list(argv), status, "", stderr)

    return asked, run


@pytest.mark.parametrize("feature", ["ssl", "TLSv1.3", "config-dump", "stapling"])
def test_every_httpd_that_the_suite_runs_on_has_these(installation: Installation, feature: str) -> None:
    assert installation.can(feature)


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_can_be_asked_for(installation: Installation, feature: str) -> None:
    assert installation.can(feature) in {True, False}


def test_debian_has_no_sslv3_and_compression_from_openssl_3_5_on(installation: Installation) -> None:
    if installation.layout != "debian":
        pytest.skip("of Debian's packages")
    assert not installation.can("SSLv3")
    assert installation.openssl is not None
    assert installation.can("compression") == (installation.openssl >= (3, 5))


def test_an_httpd_is_asked_once_and_a_syntax_error_means_no(installation: Installation) -> None:
    asked, run = answering(1, "AH00526: Syntax error on line 1 of -c/-C directives:\nInvalid command")
    other = replace(installation, run=run)  # type: ignore[arg-type]
    assert not other.can("srp")
    assert not other.can("srp")
    assert len(asked) == 1
    assert asked[0][-2:] == ["-c", "SSLSRPUnknownUserSeed x"]


def test_an_httpd_that_fails_otherwise_is_no_answer(installation: Installation) -> None:
    _, run = answering(126, "Permission denied")
    other = replace(installation, run=run)  # type: ignore[arg-type]
    with pytest.raises(StartError, match="reads `SSLCompression on`: exit status 126, Permission denied"):
        other.can("compression")


def test_without_the_module_nothing_is_asked(installation: Installation) -> None:
    asked, run = answering(0, "")
    bare = replace(installation, loadable={}, static_modules=frozenset({"core"}), run=run)  # type: ignore[arg-type]
    assert [feature for feature in FEATURES if bare.can(feature)] == []
    assert asked == []


@pytest.mark.parametrize(
    ("library", "version", "there"),
    [("OpenSSL", "3.5.0", True), ("OpenSSL", "3.4.9", False), ("LibreSSL", "4.1.0", False)],
)
def test_a_feature_of_openssl_goes_by_its_version_and_not_by_that_of_libressl(
    installation: Installation, library: str, version: str, *, there: bool
) -> None:
    other = replace(installation, openssl=Version.parse(version), tls_library=library)
    assert other.can("hybrid-groups") is there


def test_an_unknown_feature_is_refused_with_the_valid_ones(installation: Installation) -> None:
    with pytest.raises(ValueError, match=r"unknown feature 'tls': one of ssl, http2, config-dump, TLSv1\.3, SSLv3"):
        installation.can("tls")


def test_every_feature_tells_its_source() -> None:
    assert all(feature.about and feature.source for feature in FEATURES.values())
