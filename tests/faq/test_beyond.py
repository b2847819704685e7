"""Diagnoses beyond the FAQ, of failures that no assertion of ours has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from pytest_modssl import CA, LeafCert, ServerConfig, VirtualHost
from pytest_modssl.faq import diagnose

if TYPE_CHECKING:
    from pytest_modssl.targets.base import Target

NAME = "www.example.test"
REQUIRED = """
    SSLVerifyClient require
"""
CLIENTS = """
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
DENIED = """
    <Location />
        Require all denied
    </Location>
"""


@pytest.mark.parametrize(
    ("has_certificate", "wanted"), [(False, "client-certificate-missing"), (True, "client-chain-too-long")]
)
@pytest.mark.parametrize("directives", [REQUIRED, f"<Location />\n{REQUIRED}</Location>"], ids=["host", "location"])
def test_a_request_without_answer_is_diagnosed_by_the_certificate_that_it_had(
    modssl_target: Target, *, directives: str, has_certificate: bool, wanted: str
) -> None:
    ca = CA()
    client: LeafCert | None = ca.intermediate().issue_client("far down") if has_certificate else None
    host = VirtualHost(NAME, tls=ca.issue(NAME), directives=CLIENTS + directives)
    server = modssl_target.launch(ServerConfig(host, pki={"ca.pem": ca.cert_pem}))
    try:
        with pytest.raises(requests.RequestException) as caught:
            server.session(client=client).get(f"https://{NAME}/")
        server.instance.settle()
        found = diagnose(server.evidence(error=caught.value))
    finally:
        server.stop()
    assert [one.entry.id for one in found] == [wanted]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (AssertionError("assert 403 == 200"), ["access-denied"]),
        (AssertionError("the page has no title"), []),
        (AssertionError("assert 4030 == 200"), []),
    ],
)
def test_an_answer_is_evidence_where_the_failure_speaks_of_its_status(
    modssl_target: Target, error: AssertionError, wanted: list[str]
) -> None:
    server = modssl_target.launch(ServerConfig(VirtualHost(NAME, directives=DENIED)))
    try:
        assert server.get(f"http://{NAME}/").status_code == 403
        server.instance.settle()
        found = diagnose(server.evidence(error=error))
    finally:
        server.stop()
    assert [one.entry.id for one in found] == wanted
