"""Failures of what rests on a client certificate: its demand for one request, its verification, the user in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import requested, shown, unwanted
from pytest_modssl.http import SslEnvironment
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Place

_VERDICT = "SSL_CLIENT_VERIFY"
_DEMAND = r"with(?:out)? .*: demand"
# Sections that httpd knows for a request only after the handshake (manual, "Configuration Sections").
_OF_REQUESTS = ("<Location", "<Directory", "<Files", "<If ")
_PASSWORD = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="  # noqa: S105 - the word "password", which FakeBasicAuth gives every user


def _place(evidence: Evidence, url: str, *names: str) -> Place | None:
    """Where the first of these directives that is in force for a URL stands, else the virtual host."""
    host = requested(evidence, url)
    name = "" if host is None else f"{host.name}:{host.port}"
    found = next((used for one in names if (used := evidence.find(one, host=name)) is not None), None)
    return evidence.call(host) if found is None else found.place


def _not_offered(evidence: Evidence) -> Iterator[Finding]:
    for answer in unwanted(evidence, requests.codes.forbidden):
        for record, _ in evidence.logged("AH10158"):
            yield Finding(
                seen=(f"{answer.url} answered 403", shown(record)),
                place=_place(evidence, answer.url, "SSLVerifyClient"),
            )
            return


def _body_too_large(evidence: Evidence) -> Iterator[Finding]:
    for answer in unwanted(evidence, requests.codes.request_entity_too_large):
        for record, found in evidence.logged("AH02018", match=r"maximum size \((?P<size>\d+)\)"):
            yield Finding(
                seen=(f"{answer.url} answered 413", shown(record)),
                cause="the server keeps the body of the request while it demands a client certificate, and of no more "
                f"than {found['size']} bytes",
                place=_place(evidence, answer.url, "SSLRenegBufferSize", "SSLVerifyClient"),
            )
            return


def _not_demanded(evidence: Evidence) -> Iterator[Finding]:
    mismatch = evidence.mismatch(_DEMAND)
    if mismatch is None or mismatch.seen != "none" or any(evidence.logged("AH10158")):
        return
    for one in evidence.seen(Handshake):
        if one.ok and not one.demands:
            used = evidence.served_by(one, "SSLVerifyClient")
            host = evidence.asked(one)
            where = [f"{used.text} stands in {used.sections[-1]}"] if used is not None and used.sections else []
            yield Finding(
                seen=(
                    "the server demanded no client certificate, neither in the handshake nor for the request",
                    *where,
                ),
                place=evidence.call(host) if used is None else used.place,
            )
            return


def _not_verified(evidence: Evidence) -> Iterator[Finding]:
    mismatch = evidence.mismatch(_VERDICT)
    used = evidence.find("SSLVerifyClient", word="optional_no_ca")
    if mismatch is not None and used is not None and re.match("'?(GENEROUS|FAILED)", mismatch.seen):
        said = [shown(record) for record, _ in evidence.logged("AH02009", "AH02037")][:1]
        yield Finding(seen=(f"{_VERDICT} is {mismatch.seen}", *said), place=used.place)


def _fake_user(evidence: Evidence) -> Iterator[Finding]:
    for answer in unwanted(evidence, requests.codes.unauthorized) if any(evidence.logged("AH02036")) else ():
        for record, found in evidence.logged("AH01618", "AH01617", match=r"user (?P<user>.+?)(?: not found|: auth)"):
            user = found["user"]
            missing = f"has no line of {user}" if record.ah == "AH01618" else f"has another password for it: {user}"
            yield Finding(
                seen=(f"{answer.url} answered 401", shown(record)),
                cause=f"FakeBasicAuth makes the subject of the client certificate a user, and AuthUserFile {missing}",
                place=_place(evidence, answer.url, "AuthUserFile", "SSLOptions"),
                remedy=f"put this line into the file of AuthUserFile: {user}:{_PASSWORD}",
            )
            return


def _no_user(evidence: Evidence) -> Iterator[Finding]:
    if evidence.mismatch("REMOTE_USER") is None:
        return
    for record, found in evidence.logged("AH02227", match=r"r->user to '(?P<name>\w+)'"):
        used = evidence.find("SSLUserName")
        yield Finding(
            seen=(shown(record),),
            cause=f"SSLUserName takes the user from {found['name']}, and the request has no such variable",
            place=None if used is None else used.place,
        )
        return


def _ciphers_of_a_place(evidence: Evidence) -> Iterator[Finding]:
    mismatch = evidence.mismatch("SSL_CIPHER(_USEKEYSIZE|_ALGKEYSIZE)?")
    spoken = {
        *(one.get("SSL_PROTOCOL") for one in evidence.seen(SslEnvironment)),
        *(one.protocol for one in evidence.seen(Handshake)),
    }
    if mismatch is None or "TLSv1.3" not in spoken:
        return
    for used in reversed(evidence.directives):
        if used.name.lower() == "sslciphersuite" and any(one.startswith(_OF_REQUESTS) for one in used.sections):
            yield Finding(
                seen=(f"{mismatch.what} is {mismatch.seen} under TLSv1.3",), place=used.place, certainty="likely"
            )
            return


ENTRIES = (
    Entry(
        id="client-certificate-not-demanded",
        group="beyond",
        question="Why does the server not ask for a client certificate?",
        cause="no SSLVerifyClient is in force for the URL",
        remedy="write SSLVerifyClient require in the virtual host, or in the <Location> that the URL is in",
        directives=("SSLVerifyClient",),
        recognisers=(_not_demanded,),
    ),
    Entry(
        id="post-handshake-auth-missing",
        group="beyond",
        question="Why is a place that wants a client certificate forbidden to browsers under TLS 1.3?",
        cause="the server demands the certificate after the handshake, and the client did not say that it can be asked "
        "then, as browsers never do",
        remedy="let the virtual host ask in the handshake, SSLVerifyClient optional, and the place insist on it: "
        "Require ssl-verify-client; or let the client say that it can: post_handshake_auth=True, s_client -enable_pha",
        directives=("SSLVerifyClient", "Require"),
        numbers=("AH10158",),
        since="TLS 1.3 has post-handshake authentication (RFC 8446 section 4.6.2) in place of renegotiation.",
        recognisers=(_not_offered,),
    ),
    Entry(
        id="body-before-client-certificate",
        group="beyond",
        question="Why is a request body too large for a place that wants a client certificate?",
        cause="the server has to keep the body of a request while it demands a client certificate for it",
        remedy="demand the certificate in the handshake, by SSLVerifyClient in the virtual host; or raise "
        "SSLRenegBufferSize, which costs that much memory for each such request",
        directives=("SSLRenegBufferSize", "SSLVerifyClient"),
        numbers=("AH02018", "AH02257", "AH10228"),
        since="By default 131072 bytes are kept: for a renegotiation, and on httpd 2.4.67 and later for post-handshake "
        "authentication too; 2.4.39 keeps nothing for that.",
        recognisers=(_body_too_large,),
    ),
    Entry(
        id="client-certificate-not-verified",
        group="beyond",
        question="Why is a client with a certificate of any CA let in?",
        cause="SSLVerifyClient optional_no_ca takes a certificate that it cannot verify, and leaves the rest to others",
        remedy="write SSLVerifyClient optional or require, with the CA in SSLCACertificateFile; or let in only whose "
        "certificate was verified: Require ssl-verify-client",
        directives=("SSLVerifyClient", "SSLCACertificateFile"),
        numbers=("AH02009", "AH02037"),
        since="SSL_CLIENT_VERIFY is then GENEROUS, or FAILED with a reason: both of httpd 2.4.71, the latter under "
        "TLS 1.3 and after renegotiation.",
        recognisers=(_not_verified,),
    ),
    Entry(
        id="fake-basic-auth-user",
        group="beyond",
        question="Why does FakeBasicAuth not let a client certificate in?",
        cause="FakeBasicAuth makes the subject of the client certificate a user, and AuthUserFile does not have it",
        remedy=f"put a line for it into the file of AuthUserFile, such as /O=Example/CN=Ada:{_PASSWORD}",
        directives=("SSLOptions", "AuthUserFile"),
        numbers=("AH01618", "AH01617", "AH02036"),
        since="The user is the subject in OpenSSL's old form, /C=../CN=.., whatever LegacyDNStringFormat says, and the "
        'password is the word "password".',
        recognisers=(_fake_user,),
    ),
    Entry(
        id="user-name-missing",
        group="beyond",
        question="Why does a request with a client certificate have no user?",
        cause="SSLUserName names a variable that the certificate does not fill",
        remedy="name one that it has, such as SSL_CLIENT_S_DN_CN; SSL_CLIENT_SAN_Email_0 needs an e-mail address among "
        "the alternative names",
        directives=("SSLUserName",),
        numbers=("AH02227",),
        recognisers=(_no_user,),
    ),
    Entry(
        id="ciphers-of-a-location",
        group="beyond",
        question="Why does SSLCipherSuite in a <Location> change nothing?",
        cause="TLS 1.3 has no renegotiation, and so SSLCipherSuite inside of a location is ignored, without a word",
        remedy="refuse what is too weak: Require expr %{SSL_CIPHER_USEKEYSIZE} -ge 256; or write SSLCipherSuite "
        "TLSv1.3 ... in the virtual host; or speak no TLS 1.3 there: SSLProtocol all -TLSv1.3",
        directives=("SSLCipherSuite", "Require"),
        since="SSLCipherSuite TLSv1.3 inside of a location is a syntax error.",
        recognisers=(_ciphers_of_a_place,),
    ),
)
