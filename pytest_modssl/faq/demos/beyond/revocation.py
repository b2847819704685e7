"""Demonstrations of revocation: lists, OCSP for client certificates, stapled responses.

The responder is a virtual host of the same server, so that a server in a container reaches it too.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_handshake, assert_stapled
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.pki import CA, Blob, LeafCert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
RESPONDER = "ocsp.example.test"
_CLIENTS = """
    SSLVerifyClient require
    SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
"""
_LIST = """
    SSLCARevocationCheck leaf
    SSLCARevocationFile "${MODSSL_PKI}/clients.crl"
"""
_LISTS_OF_THE_CHAIN = """
    SSLVerifyDepth 2
    SSLCARevocationCheck chain
    SSLCARevocationFile "${MODSSL_PKI}/clients.crl"
"""
_OCSP = """
    SSLOCSPEnable on
    SSLOCSPUseRequestNonce off
    SSLOCSPOverrideResponder on
    SSLOCSPDefaultResponder "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""
_OCSP_WITH_NONCE = """
    SSLOCSPEnable on
    SSLOCSPUseRequestNonce on
    SSLOCSPOverrideResponder on
    SSLOCSPDefaultResponder "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""
_STAPLING = """
    SSLUseStapling on
    SSLStaplingForceURL "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""
# Nobody listens on port 1 (tcpmux) of a machine for tests.
_OCSP_OF_NOBODY = """
    SSLOCSPEnable on
    SSLOCSPOverrideResponder on
    SSLOCSPDefaultResponder "http://${MODSSL_ADDRESS}:1/"
"""
_STAPLING_OF_NOBODY = """
    SSLUseStapling on
    SSLStaplingForceURL "http://${MODSSL_ADDRESS}:1/"
"""
_CACHE = 'SSLStaplingCache "shmcb:${MODSSL_RUN}/stapling(32768)"'


@cache
def _staff() -> CA:
    """The CA of the client certificates."""
    return CA(common_name="Example staff root")


_certificates: list[LeafCert] = []


def _ada(*, revoked: bool = False) -> LeafCert:
    """A new certificate for Ada, whose newest one her client shows."""
    _certificates.append(_staff().issue_client("Ada"))
    if revoked:
        _staff().revoke(_certificates[-1])
    return _certificates[-1]


def _ada_is_let_in(server: Server) -> None:
    assert_handshake(server, NAME, client=_certificates[-1])


def _clients(
    scene: Scene, directives: str, *others: VirtualHost, pki: Mapping[str, Blob] | None = None
) -> ServerConfig:
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=f"{_CLIENTS}{directives}")
    return ServerConfig(host, *others, pki={"clients.pem": _staff().cert_pem, **(pki or {})})


def _with_list(scene: Scene, *, revoked: bool = False, of: CA | None = None, ended: bool = False) -> ServerConfig:
    _ada(revoked=revoked)
    yesterday = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    crl = (of or _staff()).crl(next_update=yesterday if ended else None)
    return _clients(scene, _LIST, pki={"clients.crl": crl})


def _with_lists_of_the_chain(scene: Scene, *, whole: bool) -> ServerConfig:
    department = _staff().intermediate()
    _certificates.append(department.issue_client("Ada"))
    lists = [one.crl().bytes() for one in (department, _staff()) if whole or one is department]
    return _clients(scene, _LISTS_OF_THE_CHAIN, pki={"clients.crl": Blob(b"".join(lists))})


def _without_list(scene: Scene) -> ServerConfig:
    _ada()
    return _clients(scene, "SSLCARevocationCheck leaf")


def _responder(*answered: LeafCert, by: CA | None = None) -> VirtualHost:
    return VirtualHost(RESPONDER, port=8888, files=(by or _staff()).ocsp_site(*answered))


def _with_ocsp(scene: Scene, *, revoked: bool = False) -> ServerConfig:
    return _clients(scene, _OCSP, _responder(_ada(revoked=revoked)))


def _nobody_answers(scene: Scene) -> ServerConfig:
    _ada()
    return _clients(scene, _OCSP, VirtualHost(RESPONDER, port=8888))


def _nobody_listens(scene: Scene) -> ServerConfig:
    _ada()
    return _clients(scene, _OCSP_OF_NOBODY)


def _no_responder_named(scene: Scene) -> ServerConfig:
    _ada()
    return _clients(scene, "SSLOCSPEnable on")


def _with_nonce(scene: Scene) -> ServerConfig:
    return _clients(scene, _OCSP_WITH_NONCE, _responder(_ada()))


def _signed_by_another(scene: Scene) -> ServerConfig:
    site = _staff().ocsp_site(_ada(), signed_by=CA(common_name="Example staff root"))
    return _clients(scene, _OCSP, VirtualHost(RESPONDER, port=8888, files=site))


def _about_others(scene: Scene) -> ServerConfig:
    _ada()
    return _clients(scene, _OCSP, _responder(_staff().issue_client("Grace")))


def _unknown(scene: Scene) -> ServerConfig:
    ada = _ada()
    _staff().forget(ada)
    return _clients(scene, _OCSP, _responder(ada))


def _stapled(scene: Scene, directives: str = _STAPLING, server: str = _CACHE) -> ServerConfig:
    ca = scene.ca.intermediate()
    leaf = ca.issue(NAME)
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=directives), _responder(leaf, by=ca), directives=server)


def _by_the_root(scene: Scene, directives: str) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    return ServerConfig(
        VirtualHost(NAME, tls=leaf, directives=f"{_STAPLING}{directives}"),
        _responder(leaf, by=scene.ca),
        directives=_CACHE,
        pki={"root.pem": scene.ca.cert_pem},
    )


def _prepared_for_others(scene: Scene) -> ServerConfig:
    ca = scene.ca.intermediate()
    return ServerConfig(
        VirtualHost(NAME, tls=ca.issue(NAME), directives=_STAPLING), _responder(by=ca), directives=_CACHE
    )


def _response_is_stapled(server: Server) -> None:
    assert_stapled(server, NAME)


DEMONSTRATIONS = (
    Demonstration(
        entry="client-certificate-revoked",
        name="by a list",
        problem=lambda scene: _with_list(scene, revoked=True),
        remedy=_with_list,
        check=_ada_is_let_in,
        place="SSLCARevocationFile",
        number="AH02276",
    ),
    Demonstration(
        entry="client-certificate-revoked",
        name="by OCSP",
        problem=lambda scene: _with_ocsp(scene, revoked=True),
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPEnable",
        number="AH03239",
    ),
    Demonstration(
        entry="crl-expired",
        problem=lambda scene: _with_list(scene, ended=True),
        remedy=_with_list,
        check=_ada_is_let_in,
        place="SSLCARevocationFile",
        number="AH02276",
    ),
    Demonstration(
        entry="crl-missing",
        name="none at all",
        problem=_without_list,
        remedy=_with_list,
        check=_ada_is_let_in,
        place="SSLCARevocationCheck",
        number="AH01899",
    ),
    Demonstration(
        entry="crl-missing",
        name="that of another CA",
        problem=lambda scene: _with_list(scene, of=scene.ca),
        remedy=_with_list,
        check=_ada_is_let_in,
        place="SSLCARevocationFile",
        number="AH02276",
    ),
    Demonstration(
        entry="crl-missing",
        name="that of the CA above",
        problem=lambda scene: _with_lists_of_the_chain(scene, whole=False),
        remedy=lambda scene: _with_lists_of_the_chain(scene, whole=True),
        check=_ada_is_let_in,
        place="SSLCARevocationFile",
        number="AH02276",
    ),
    Demonstration(
        entry="ocsp-responder-unreachable",
        name="nobody listens",
        problem=_nobody_listens,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPDefaultResponder",
        number="AH01974",
    ),
    Demonstration(
        entry="ocsp-responder-unreachable",
        name="no responder at that URL",
        problem=_nobody_answers,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPDefaultResponder",
        number="AH01980",
    ),
    Demonstration(
        entry="ocsp-responder-unreachable",
        name="for stapling",
        problem=lambda scene: _stapled(scene, _STAPLING_OF_NOBODY),
        remedy=_stapled,
        check=_response_is_stapled,
        place="SSLStaplingForceURL",
        number="AH01974",
    ),
    Demonstration(
        entry="ocsp-responder-not-named",
        name="for a client certificate",
        problem=_no_responder_named,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPEnable",
        number="AH01918",
    ),
    Demonstration(
        entry="ocsp-responder-not-named",
        name="for stapling",
        problem=lambda scene: _stapled(scene, "SSLUseStapling on"),
        remedy=_stapled,
        check=_response_is_stapled,
        place="SSLUseStapling on",
        number="AH02218",
    ),
    Demonstration(
        entry="ocsp-response-refused",
        name="a nonce that does not come back",
        problem=_with_nonce,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPUseRequestNonce on",
        number="AH01924",
    ),
    Demonstration(
        entry="ocsp-response-refused",
        name="signed by another CA",
        problem=_signed_by_another,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPDefaultResponder",
        number="AH01925",
    ),
    Demonstration(
        entry="ocsp-response-refused",
        name="an error",
        problem=_about_others,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPDefaultResponder",
        number="AH01922",
    ),
    Demonstration(
        entry="ocsp-response-refused",
        name="an error, for stapling",
        problem=_prepared_for_others,
        remedy=_stapled,
        check=_response_is_stapled,
        place="SSLStaplingForceURL",
        number="AH01944",
    ),
    Demonstration(
        entry="ocsp-status-unknown",
        problem=_unknown,
        remedy=_with_ocsp,
        check=_ada_is_let_in,
        place="SSLOCSPDefaultResponder",
        number="AH03239",
    ),
    Demonstration(
        entry="stapling-off",
        problem=lambda scene: _stapled(scene, "SSLUseStapling off"),
        remedy=_stapled,
        check=_response_is_stapled,
        place="SSLUseStapling off",
    ),
    Demonstration(
        entry="stapling-issuer-missing",
        problem=lambda scene: _by_the_root(scene, ""),
        remedy=lambda scene: _by_the_root(scene, 'SSLCACertificateFile "${MODSSL_PKI}/root.pem"'),
        check=_response_is_stapled,
        place="VirtualHost(NAME",
        number="AH02217",
    ),
    Demonstration(
        entry="stapling-cache-missing",
        problem=lambda scene: _stapled(scene, server=""),
        remedy=_stapled,
        check=_response_is_stapled,
        place="SSLUseStapling on",
        number="AH01958",
    ),
)
