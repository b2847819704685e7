"""Every documented variable as what it holds, read from a real server by CGI, SSI and expressions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.errors import EnvironmentPageError
from pytest_modssl.http import SslEnvironment
from pytest_modssl.httpd.variables import GROUPS, kind_of

if TYPE_CHECKING:
    from pytest_modssl import CA, LeafCert, Server
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.http import Via

NAME = "www.example.test"


@pytest.fixture(scope="module")
def leaf(modssl_ca: CA) -> LeafCert:
    return modssl_ca.issue(NAME)


@pytest.fixture(scope="module")
def server(modssl_server_factory: ServerFactory, leaf: LeafCert) -> Server:
    options = "SSLOptions +StdEnvVars +ExportCertData"
    return modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaf, directives=options)))


@pytest.mark.parametrize("via", ["cgi", "ssi", "header"])
def test_values_have_the_type_of_what_they_hold(server: Server, leaf: LeafCert, via: Via) -> None:
    seen = server.environment(f"https://{NAME}/", via=via)
    certificate = leaf.certificate
    assert seen.value("HTTPS") is True
    assert seen.value("SSL_CIPHER_EXPORT") is False
    assert seen.value("SSL_CIPHER_USEKEYSIZE") == 256
    assert seen.value("SSL_SERVER_M_VERSION") == 3
    assert seen.value("SSL_SERVER_M_SERIAL") == certificate.serial_number
    assert seen.value("SSL_SERVER_V_END") == certificate.not_valid_after_utc.replace(microsecond=0)
    assert seen.value("SSL_SERVER_CERT") == certificate
    assert seen.value("SSL_PROTOCOL") == "TLSv1.3"
    assert seen.value("SSL_CLIENT_CERT") is None


@pytest.mark.parametrize("via", ["cgi", "ssi", "header"])
def test_every_variable_that_is_there_can_be_read(server: Server, via: Via) -> None:
    seen = server.environment(f"https://{NAME}/", via=via)
    names = [name for group in GROUPS for name in group if name in seen]
    assert len(names) > 25
    kinds = {"flag": bool, "number": int, "serial": int, "time": dt.datetime, "text": str}
    for name in names:
        value = seen.value(name)
        assert value is None or isinstance(value, kinds.get(kind_of(name), object)), name


def test_absent_empty_and_null_are_three_things(server: Server) -> None:
    seen = server.environment(f"https://{NAME}/")
    assert "SSL_SRP_USER" not in seen
    with pytest.raises(EnvironmentPageError, match="SSL_SRP_USER is absent"):
        seen.value("SSL_SRP_USER")
    assert seen["SSL_CLIENT_CERT"] == ""
    assert seen.value("SSL_CLIENT_CERT") is None
    assert server.environment(f"https://{NAME}/", via="header")["SSL_SRP_USER"] == "(null)"
    assert SslEnvironment("", "cgi", {"SSL_SERVER_S_DN_O": "(null)"}).value("SSL_SERVER_S_DN_O") == "(null)"


@pytest.mark.parametrize(
    ("name", "value"),
    [("SSL_SERVER_M_SERIAL", "12:34"), ("SSL_SERVER_CERT", "rubbish"), ("HTTPS", "yes"), ("SSL_SERVER_V_END", "soon")],
)
def test_what_does_not_fit_its_type_is_told(name: str, value: str) -> None:
    with pytest.raises(EnvironmentPageError, match=f"{name} at .* is '{value}', which is no"):
        SslEnvironment("", "cgi", {name: value}).value(name)
