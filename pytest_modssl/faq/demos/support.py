"""Demonstrations of the group Support."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import requests

from pytest_modssl.asserts import assert_core_dumped, assert_no_crash
from pytest_modssl.faq.demos._play import Demonstration, Scene
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
# With prefork and mod_cgi the program's parent is the child of httpd that serves the request.
CRASH = "#!/bin/sh\nkill -SEGV $PPID\nsleep 5\n"


def _stack(scene: Scene, *, server: str = "") -> ServerConfig:
    mpm = next(one for one in scene.installation.mpms if one != "prefork")
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(NAME), mpm=mpm, directives=server)


def _retried(server: Server) -> None:
    # A client that tries again elsewhere is served: without the assertion nothing would be wrong with that.
    with suppress(requests.RequestException):
        server.get(f"https://{NAME}/")
    assert server.get(f"http://{NAME}/").status_code == 200
    assert_no_crash(server)


def _crashing(scene: Scene, *, server: str = "") -> ServerConfig:
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), files={"crash.cgi": CRASH})
    return ServerConfig(host, mpm="prefork", directives=server)


def _crash(server: Server) -> None:
    with suppress(requests.RequestException):
        server.get(f"https://{NAME}/crash.cgi")
    assert_core_dumped(server)


def _has_threads(installation: Installation) -> bool:
    return installation.mpms != ("prefork",)


def _can_dump(installation: Installation) -> bool:
    """Whether a crash may leave a core where CoreDumpDirectory says; some kernels hand all cores to a program."""
    look = "ulimit -H -c; cat /proc/sys/kernel/core_pattern"
    limit, _, pattern = installation.run(["sh", "-c", look]).stdout.partition("\n")
    return "prefork" in installation.mpms and limit != "0" and pattern[:1] not in {"", "|", "/"}


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="core-dump-help",
        problem=lambda scene: _stack(scene, server="ThreadStackSize 20480"),
        remedy=_stack,
        check=_retried,
        place="ThreadStackSize 20480",
        number="AH00052",
        also=("backtrace",),
        available=_has_threads,
    ),
    Demonstration(
        entry="backtrace",
        problem=_crashing,
        remedy=lambda scene: _crashing(scene, server='CoreDumpDirectory "${MODSSL_RUN}"'),
        check=_crash,
        number="AH00052",
        available=_can_dump,
    ),
)
