"""What this machine has for building httpd: programs and headers, and the packages that bring those it lacks."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECONDS: Final = 20
# As autoconf's AC_PROG_CC looks for it.
_COMPILERS: Final = ("gcc", "cc", "clang")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that building needs, and the package that brings it.

    Attributes:
        name: a program, or a header that ends in `.h`.
        debian: its package in Debian and Ubuntu.
        fedora: in Fedora and RHEL.
        alpine: in Alpine.
        modules: the modules of httpd that there are with it alone; none for what nothing is built without.
    """

    name: str
    debian: str
    fedora: str
    alpine: str
    modules: tuple[str, ...] = ()


# Debian: seen on bookworm. Fedora and Alpine: names in their package indexes.
_COMPILER: Final = Part("gcc", "gcc", "gcc", "gcc")
_ALWAYS: Final = (
    Part("make", "make", "make", "make"),
    Part("stdio.h", "libc6-dev", "glibc-devel", "musl-dev"),
    Part("expat.h", "libexpat1-dev", "expat-devel", "expat-dev"),
)
_SYSTEM_OPENSSL: Final = (Part("openssl/ssl.h", "libssl-dev", "openssl-devel", "openssl-dev"),)
# INSTALL and Configurations/unix-Makefile.tmpl of OpenSSL 1.1.1; `zlib` is one of the switches in build.sh.
_OWN_OPENSSL: Final = (
    Part("perl", "perl", "perl", "perl"),
    Part("zlib.h", "zlib1g-dev", "zlib-devel", "zlib-dev"),
    Part("linux/version.h", "linux-libc-dev", "kernel-headers", "linux-headers"),
)
_OPTIONAL: Final = (
    Part("nghttp2/nghttp2.h", "libnghttp2-dev", "libnghttp2-devel", "nghttp2-dev", ("http2", "proxy_http2")),
    Part("zlib.h", "zlib1g-dev", "zlib-devel", "zlib-dev", ("deflate",)),
    Part("brotli/encode.h", "libbrotli-dev", "brotli-devel", "brotli-dev", ("brotli",)),
)
_OPENSSL_VERSION: Final = """\
#if __has_include(<openssl/opensslv.h>)
#include <openssl/opensslv.h>
version OPENSSL_VERSION_TEXT
#endif
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """What a build is made with.

    Attributes:
        compiler: the program.
        platform: what it compiles for, `x86_64-linux-gnu`.
        openssl: what the machine's own OpenSSL calls itself, `OpenSSL 3.0.19 27 Jan 2026`; empty without its headers.
        without: what could be there and is not, so that some modules will not be.
    """

    compiler: str
    platform: str
    openssl: str
    without: tuple[Part, ...]


def find_toolchain(*, own_openssl: bool) -> Toolchain:
    """What this machine has, which is enough.

    Args:
        own_openssl: whether an OpenSSL 1.1.1 is built too, instead of taking the machine's.

    Raises:
        FetchError: when something is missing, with the packages that bring it.
    """
    needed = (*_ALWAYS, *(_OWN_OPENSSL if own_openssl else _SYSTEM_OPENSSL))
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        # Headers are found by the compiler; a package named too often costs nothing.
        raise _missing((_COMPILER, *needed))
    headers = {one.name for one in (*needed, *_OPTIONAL) if one.name.endswith(".h")}
    found, version = _headers(compiler, headers)
    missing = [one for one in needed if one.name not in found and not shutil.which(one.name)]
    if missing:
        raise _missing(missing)
    return Toolchain(
        compiler=compiler,
        platform=_output([compiler, "-dumpmachine"]).strip(),
        openssl=version,
        without=tuple(one for one in _OPTIONAL if one.name not in found),
    )


def _headers(compiler: str, headers: Iterable[str]) -> tuple[set[str], str]:
    """Those of the headers that the compiler finds, and the version of the OpenSSL that it finds."""
    asked = "".join(f'#if __has_include(<{one}>)\nfound "{one}"\n#endif\n' for one in sorted(headers))
    answer = _output([compiler, "-E", "-P", "-x", "c", "-"], asked + _OPENSSL_VERSION)
    told = [line.partition(" ") for line in answer.splitlines()]
    values = [(word, value.strip(' "')) for word, _, value in told]
    version = next((value for word, value in values if word == "version"), "")
    return {value for word, value in values if word == "found"}, version


def _output(argv: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(
            argv, input=text, capture_output=True, encoding="utf-8", errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"the compiler {argv[0]} does not run: {error}") from error
    if done.returncode:
        raise FetchError(f"the compiler does not work: {' '.join(argv)} said {done.stderr.strip() or 'nothing'}")
    return done.stdout


def _missing(parts: Iterable[Part]) -> FetchError:
    parts = list(parts)
    names = ", ".join(one.name for one in parts)

    def packages(distribution: str) -> str:
        return " ".join(dict.fromkeys(getattr(one, distribution) for one in parts))

    return FetchError(
        f"httpd cannot be built here: {names} {'is' if len(parts) == 1 else 'are'} missing. What to do: "
        f"`apt-get install {packages('debian')}` (Debian, Ubuntu), `dnf install {packages('fedora')}` (Fedora, RHEL) "
        f"or `apk add {packages('alpine')}` (Alpine); or take an httpd that is ready-made (debian:SUITE, docker)."
    )
