"""Demonstrations of the group Installation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_handshake, assert_random_seed, assert_runtime_paths
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"

# Where httpd's parent is root, its children are another account: the folder is its owner's alone. Where they are the
# same ordinary user, the folder is closed to that one, and httpd does not even start.
_TWO_ACCOUNTS = os.geteuid() == 0
_SHUT = 0o700 if _TWO_ACCOUNTS else 0o000
_OPEN = 0o755

CACHE = """
    SSLSessionTickets off
    SSLSessionCache "dbm:${MODSSL_RUN}/cache/sessions"
"""
QUIET_CACHE = """
    SSLSessionTickets off
    SSLSessionCache "dbm:${MODSSL_RUN}/quiet/sessions"
    LogLevel socache_dbm:crit
"""
MUTEX = """
    SSLSessionCache "shmcb:${MODSSL_RUN}/sessions(512000)"
    Mutex "flock:${MODSSL_RUN}/locks" ssl-cache
"""


def _with_folder(scene: Scene, directives: str, folder: str, mode: int) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    return ServerConfig(VirtualHost(NAME, tls=leaf), directives=directives, folders={folder: mode})


def _seeded(scene: Scene, source: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), directives=source)


def _resumes(server: Server) -> None:
    first = server.handshake(NAME, protocol="TLSv1.2")
    assert_handshake(server, NAME, protocol="TLSv1.2", session=first.session, resumed=True)


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="ssl-mutex-permissions",
        name="a session cache that the children cannot reach",
        problem=lambda scene: _with_folder(scene, CACHE, "cache", _SHUT),
        remedy=lambda scene: _with_folder(scene, CACHE, "cache", _OPEN),
        check=_resumes,
        place='SSLSessionCache "dbm:${MODSSL_RUN}/cache/sessions"',
        number="AH00807" if _TWO_ACCOUNTS else "AH00804",
    ),
    Demonstration(
        entry="ssl-mutex-permissions",
        name="sessions that are silently not resumed",
        problem=lambda scene: _with_folder(scene, QUIET_CACHE, "quiet", _SHUT),
        remedy=lambda scene: _with_folder(scene, QUIET_CACHE, "quiet", _OPEN),
        check=_resumes,
        place='SSLSessionCache "dbm:${MODSSL_RUN}/quiet/sessions"',
    ),
    Demonstration(
        entry="ssl-mutex-permissions",
        name="a mutex that the children cannot open",
        problem=lambda scene: _with_folder(scene, MUTEX, "locks", _SHUT),
        remedy=lambda scene: _with_folder(scene, MUTEX, "locks", _OPEN),
        check=assert_runtime_paths,
        place='Mutex "flock:${MODSSL_RUN}/locks" ssl-cache',
        number="AH02024" if _TWO_ACCOUNTS else "AH00023",
    ),
    Demonstration(
        entry="prng-not-seeded",
        name="a source that is missing",
        problem=lambda scene: _seeded(scene, "SSLRandomSeed startup file:/no/such/source"),
        remedy=lambda scene: _seeded(scene, "SSLRandomSeed startup builtin"),
        place="SSLRandomSeed startup file:/no/such/source",
        number="AH00526",
    ),
    Demonstration(
        entry="prng-not-seeded",
        name="a source that gives nothing",
        problem=lambda scene: _seeded(scene, "SSLRandomSeed startup file:/dev/null 256"),
        remedy=lambda scene: _seeded(scene, "SSLRandomSeed startup file:/dev/urandom 256"),
        check=assert_random_seed,
        place="SSLRandomSeed startup file:/dev/null 256",
    ),
)
