"""The FAQ's group "The SSL protocol"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# How ciphers(1) names suites without authentication.
ANONYMOUS = re.compile(r"\b(ADH|AECDH|aNULL)\b")


def _anonymous_suites(evidence: Evidence) -> Iterator[Finding]:
    for record, _ in evidence.logged("AH01898") if not evidence.start.ready else ():
        host = evidence.rendered.host_in(record.message) or ""
        used = evidence.find("SSLCipherSuite", host=host)
        if used is not None and ANONYMOUS.search(used.text):
            yield Finding(seen=(shown(record),), place=used.place)
            return


ENTRIES = (
    Entry(
        id="errors-under-load",
        group="protocol",
        question="Why do I get lots of random SSL protocol errors under heavy server load?",
        cause="the session cache loses or breaks sessions, most often a DBM cache",
        remedy="use SSLSessionCache shmcb: instead of dbm:, or none",
        anchor="random",
        directives=("SSLSessionCache",),
    ),
    Entry(
        id="load-of-tls",
        group="protocol",
        question="Why does my webserver have a higher load, now that it serves SSL encrypted traffic?",
        cause="each full handshake costs a private-key operation",
        remedy="let sessions be resumed (SSLSessionCache, SSLSessionTickets), keep connections alive, use EC keys",
        anchor="load",
        directives=("SSLSessionCache", "SSLSessionTickets"),
    ),
    Entry(
        id="slow-handshake",
        group="protocol",
        question="Why do HTTPS connections to my server sometimes take up to 30 seconds to establish a connection?",
        cause="SSLRandomSeed connect reads a source that blocks",
        remedy="name one that does not: SSLRandomSeed connect builtin, or file:/dev/urandom",
        anchor="establishing",
        directives=("SSLRandomSeed",),
    ),
    Entry(
        id="supported-ciphers",
        group="protocol",
        question="What SSL Ciphers are supported by mod_ssl?",
        cause="those of the OpenSSL in use that SSLCipherSuite and its security level allow",
        remedy="see what the server really accepts with server.scan(), and choose with SSLCipherSuite and SSLProtocol",
        anchor="ciphers",
        directives=("SSLCipherSuite", "SSLProtocol"),
    ),
    Entry(
        id="anonymous-dh",
        group="protocol",
        question="Why do I get no shared cipher errors when trying to use Anonymous Diffie-Hellman (ADH) ciphers?",
        cause="mod_ssl forbids suites without authentication, whatever OpenSSL was built with",
        remedy="name other suites in SSLCipherSuite: mod_ssl adds !aNULL:!eNULL:!EXP to every list, and nothing "
        "enables anonymous ones",
        anchor="adh",
        directives=("SSLCipherSuite",),
        numbers=("AH01898",),
        since="The FAQ's rebuild with -DSSL_ALLOW_ADH no longer helps.",
        recognisers=(_anonymous_suites,),
    ),
    Entry(
        id="no-shared-cipher",
        group="protocol",
        question="Why do I get a no shared ciphers error when connecting to my newly installed server?",
        cause="no suite is in the lists of both sides, or none of those fits the type of the server's key",
        remedy="let SSLCipherSuite and SSLProtocol allow what the clients have, and give the host an RSA or EC key",
        anchor="sharedciphers",
        directives=("SSLCipherSuite", "SSLCertificateFile"),
    ),
    Entry(
        id="name-based-without-sni",
        group="protocol",
        question="Why can't I use SSL with name-based/non-IP-based virtual hosts?",
        cause="a client that sends no server name gets the first virtual host of the address",
        remedy="give the first host a certificate for all names (wildcard, or several names), or hosts of their own "
        "addresses or ports",
        anchor="vhosts",
        directives=("<VirtualHost>", "ServerName"),
    ),
    Entry(
        id="sni",
        group="protocol",
        question="Is it possible to use Name-Based Virtual Hosting to identify different SSL virtual hosts?",
        cause="the client names the host in its ClientHello (SNI)",
        remedy="give each virtual host its ServerName and certificate; ask with the same name in SNI and Host",
        anchor="vhosts2",
        directives=("ServerName", "SSLVHostSNIPolicy", "SSLStrictSNIVHostCheck"),
        since="SSLVHostSNIPolicy came with httpd 2.4.66.",
    ),
    Entry(
        id="compression",
        group="protocol",
        question="How do I get SSL compression working?",
        cause="OpenSSL has no compression, or forbids it at its security level",
        remedy="leave it off: it leaks secrets (CRIME)",
        anchor="comp",
        directives=("SSLCompression",),
    ),
    Entry(
        id="basic-auth-lock-icon",
        group="protocol",
        question="When I use Basic Authentication over HTTPS, is the password sent unencrypted?",
        cause="no: the request is sent inside TLS; over HTTP it is in clear",
        remedy="ask for passwords on HTTPS only: SSLRequireSSL",
        anchor="lockicon",
        directives=("SSLRequireSSL", "AuthType"),
    ),
    Entry(
        id="msie-workarounds",
        group="protocol",
        question="Why do I get I/O errors when connecting with older versions of Microsoft Internet Explorer?",
        cause="old versions mishandle keep-alive and close_notify",
        remedy='SetEnvIf User-Agent "MSIE [2-5]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0',
        anchor="msie",
        directives=("SetEnvIf",),
    ),
    Entry(
        id="tls-srp",
        group="protocol",
        question="How do I enable TLS-SRP?",
        cause="a verifier file and SRP suites make it",
        remedy='SSLSRPVerifierFile /path/to/passwd.srpv and SSLCipherSuite "!DSS:!aRSA:SRP", without TLS 1.3',
        anchor="srp",
        directives=("SSLSRPVerifierFile", "SSLSRPUnknownUserSeed"),
    ),
    Entry(
        id="java-dh-1024",
        group="protocol",
        question="Why do I get handshake failures with Java-based clients when using a certificate of over 1024 bits?",
        cause="Java 7 takes no DH prime above 1024 bits",
        remedy="put suites with ECDHE first, or the 1024-bit DH parameters of RFC 2409 into the first "
        "SSLCertificateFile, with @SECLEVEL=1 in SSLCipherSuite",
        anchor="javadh",
        directives=("SSLCertificateFile", "SSLCipherSuite"),
    ),
)
