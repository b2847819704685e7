"""Demonstrations of clients that take only small Diffie-Hellman primes: Java 7."""

from __future__ import annotations

import functools
import shutil
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_java7_compatible
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.httpd.java import java7_settings
from pytest_modssl.pki import dh_parameters

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"
# Suites that Java 6 has, and Java 7 where it came without curves.
_WITHOUT_CURVES = ("DHE-RSA-AES128-SHA", "AES128-SHA")
_LONG_PRIME = """
    SSLProtocol all
    SSLHonorCipherOrder on
    SSLCipherSuite DHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0
"""
_SILENT_TRAP = """
    SSLHonorCipherOrder on
    SSLCipherSuite DHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=2
"""


def _long_prime(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME, key_type="rsa-2048")
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=_LONG_PRIME))


def _silent_trap(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(dh_parameters("rfc2409-1024"))
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=_SILENT_TRAP))


def _for_java7(scene: Scene) -> ServerConfig:
    settings = java7_settings(scene.installation)
    leaf = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(settings.dh_parameters)
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=settings.directives))


_without_curves = functools.partial(assert_java7_compatible, name=NAME, suites=_WITHOUT_CURVES)

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="java-dh-1024",
        problem=_long_prime,
        remedy=_for_java7,
        check=functools.partial(_without_curves, dh_bits=1024),
        place="SSLCipherSuite DHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0",
        number="AH02008",
    ),
    Demonstration(
        entry="java-dh-1024",
        name="as a real JVM sees it",
        problem=_long_prime,
        remedy=_for_java7,
        check=functools.partial(_without_curves, jvm=True),
        place="SSLCipherSuite DHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0",
        number="AH02008",
        available=lambda _: all(map(shutil.which, ("java", "javac"))),
    ),
    Demonstration(
        entry="java-dh-1024",
        name="parameters that are ignored without a word",
        problem=_silent_trap,
        remedy=_for_java7,
        check=functools.partial(_without_curves, protocol="TLSv1.2"),
        place="SSLCipherSuite DHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=2",
        number="AH02008",
        also=("dh-parameters-ignored",),
        available=lambda installation: (installation.openssl or ()) >= (3,),
    ),
)
