"""Clients as old as Java 7: what they can go on with, seen by a hello like theirs and by a real JVM."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_java7_compatible, java7_settings, requires

WITHOUT_CURVES = ["DHE-RSA-AES128-SHA", "AES128-SHA"]


@pytest.fixture(scope="module")
def modssl_config(modssl_ca, modssl_target):
    settings = java7_settings(modssl_target.installation)  # print(settings) says what they cost
    leaf = modssl_ca.issue("www.example.test", key_type="rsa-2048").with_dh_parameters(settings.dh_parameters)
    return ServerConfig(VirtualHost("www.example.test", tls=leaf, directives=settings.directives))


def test_java_7_gets_curves_and_meets_no_prime(modssl_server):
    assert assert_java7_compatible(modssl_server, "www.example.test").dh_bits is None


@requires(program=["java", "javac"])
def test_java_without_curves_gets_a_prime_that_it_can_take(modssl_server):
    assert_java7_compatible(modssl_server, "www.example.test", suites=WITHOUT_CURVES, dh_bits=1024, jvm=True)
