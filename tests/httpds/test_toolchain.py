"""What this machine lacks for building, told by the names of packages; compilers here only tell what a test says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds.toolchain import find_toolchain

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = ("stdio.h", "expat.h", "openssl/ssl.h", "zlib.h", "nghttp2/nghttp2.h", "brotli/encode.h", "linux/version.h")
VERSION = 'version "OpenSSL 3.0.22 1 Jan 2026"'


class Machine(Protocol):
    def __call__(self, *programs: str, without: str = "") -> None: ...


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Sets up a PATH with nothing but these programs; gcc finds all headers but one."""

    def machine(*programs: str, without: str = "") -> None:
        answers = [f'found "{header}"' for header in HEADERS if header != without]
        for name in programs:
            program = tmp_path / name
            lines = "\n".join(f"echo '{answer}'" for answer in [*answers, VERSION])
            program.write_text(f'#!/bin/sh\n[ "$1" != -dumpmachine ] || {{ echo some-machine; exit; }}\n{lines}\n')
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return machine


def test_a_machine_that_has_all_is_described(machine: Machine) -> None:
    machine("gcc", "make")
    found = find_toolchain(own_openssl=False)
    assert found.compiler.endswith("/gcc")
    assert found.platform == "some-machine"
    assert found.openssl == "OpenSSL 3.0.22 1 Jan 2026"
    assert found.without == ()


def test_clang_will_do(machine: Machine) -> None:
    machine("clang", "make")
    assert find_toolchain(own_openssl=False).compiler.endswith("/clang")


def test_without_a_compiler_all_that_building_needs_is_named(machine: Machine) -> None:
    machine("make")
    with pytest.raises(FetchError, match=r"gcc, .*missing") as caught:
        find_toolchain(own_openssl=False)
    assert "`apt-get install gcc make libc6-dev libexpat1-dev libssl-dev` (Debian, Ubuntu)" in str(caught.value)
    assert "`dnf install gcc make glibc-devel expat-devel openssl-devel` (Fedora, RHEL)" in str(caught.value)
    assert "`apk add gcc make musl-dev expat-dev openssl-dev` (Alpine)" in str(caught.value)


@pytest.mark.parametrize(
    ("without", "own_openssl", "package"),
    [
        ("stdio.h", False, "libc6-dev"),
        ("expat.h", False, "libexpat1-dev"),
        ("openssl/ssl.h", False, "libssl-dev"),
        ("zlib.h", True, "zlib1g-dev"),
        ("linux/version.h", True, "linux-libc-dev"),
    ],
)
def test_a_header_that_is_missing_is_told_by_its_package(
    machine: Machine, without: str, package: str, *, own_openssl: bool
) -> None:
    machine("gcc", "make", "perl", without=without)
    said = f"{without} is missing. What to do: `apt-get install {package}` (Debian, Ubuntu)"
    with pytest.raises(FetchError, match=re.escape(said)):
        find_toolchain(own_openssl=own_openssl)


def test_an_openssl_of_its_own_needs_perl_and_not_the_machines_openssl(machine: Machine) -> None:
    machine("gcc", "make", without="openssl/ssl.h")
    with pytest.raises(FetchError, match="perl is missing"):
        find_toolchain(own_openssl=True)
    machine("perl")
    find_toolchain(own_openssl=True)


def test_what_brings_a_module_may_be_missing(machine: Machine) -> None:
    machine("gcc", "make", without="nghttp2/nghttp2.h")
    (part,) = find_toolchain(own_openssl=False).without
    assert part.modules == ("http2", "proxy_http2")
    assert part.debian == "libnghttp2-dev"


def test_a_compiler_that_does_not_work_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gcc", "make"):
        (tmp_path / name).write_text("#!/bin/sh\necho no licence >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"the compiler does not work: .*/gcc -E .* said no licence"):
        find_toolchain(own_openssl=False)
