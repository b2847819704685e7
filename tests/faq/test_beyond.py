"""Diagnoses beyond the FAQ, of failures that no assertion of ours has seen."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
import requests

from pytest_modssl import (
    CA,
    LeafCert,
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_answers,
    assert_switches_to_https,
)
from pytest_modssl.faq import diagnose
from pytest_modssl.faq.demos import play

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


def test_a_module_that_needs_what_no_module_has_is_not_told_to_need_one(modssl_target: Target) -> None:
    """As one that was built for another httpd does; mod_proxy_http under another name stands for it."""
    installation = modssl_target.installation
    module = installation.run(["base64", str(installation.loadable["proxy_http"])]).stdout
    config = ServerConfig(
        VirtualHost(NAME),
        directives='LoadModule proxy_http_module "${MODSSL_PKI}/mod_hello.so"',
        pki={"mod_hello.so": base64.b64decode(module)},
    )
    (found,) = play(modssl_target, config, lambda _: None).diagnoses
    assert found.entry.id == "module-symbol-undefined"
    assert found.cause.startswith("mod_hello.so needs ")
    assert found.cause.endswith(", which nothing that is loaded has")
    assert found.remedy == found.entry.remedy
    assert found.place is not None
    assert found.place.text.startswith("LoadModule proxy_http_module")


def test_an_answer_that_an_assertion_has_accepted_is_no_cause_of_the_next_failure(modssl_target: Target) -> None:
    to_https = "RewriteEngine on\nRewriteRule ^/(.*) https://%{SERVER_NAME}/$1 [R,L]"
    leaf = CA().issue(NAME)
    config = ServerConfig(VirtualHost(NAME, tls=leaf), VirtualHost(NAME, directives=to_https))
    server = modssl_target.launch(config)
    try:
        assert_switches_to_https(server, f"http://{NAME}/first")
        with pytest.raises(ModsslAssertionError) as caught:
            assert_answers(server, f"https://{NAME}/second")
    finally:
        server.stop()
    (found,) = caught.value.diagnoses
    assert found.entry.id == "page-not-found"
    assert "/second stands for the file " in found.cause
    assert found.cause.endswith("/second, which is not there")


def test_the_last_page_that_is_not_there_is_the_cause(modssl_target: Target) -> None:
    server = modssl_target.launch(ServerConfig(VirtualHost(NAME)))
    try:
        assert [server.get(f"http://{NAME}/{one}").status_code for one in ("first", "second")] == [404, 404]
        server.instance.settle()
        (found, *_) = diagnose(server.evidence(error=AssertionError("assert 404 == 200")))
    finally:
        server.stop()
    assert "/second stands for the file " in found.cause
    assert found.cause.endswith("/second, which is not there")
