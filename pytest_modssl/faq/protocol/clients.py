"""What some clients ask for, or cannot do."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry
from pytest_modssl.faq.protocol import _agents, _compression, _wire
from pytest_modssl.faq.recognise import refused

ENTRIES = (
    Entry(
        id="compression",
        group="protocol",
        question="How do I get SSL compression working?",
        cause="OpenSSL has no compression, keeps it off, or forbids it at its security level",
        remedy="leave it off: it lets attackers guess secrets (CRIME). For a test of such a client: an OpenSSL with "
        "zlib, SSLOpenSSLConfCmd Options Compression, SSLCipherSuite ALL:@SECLEVEL=1, and TLS 1.2",
        anchor="comp",
        directives=("SSLCompression", "SSLOpenSSLConfCmd"),
        numbers=("AH00526",),
        since="Debian's OpenSSL is built with zlib from 3.5 (trixie) on; TLS 1.3 has no compression.",
        recognisers=(
            refused(
                r"does not have any compression methods available",
                cause="SSLCompression on asks for what the OpenSSL of this httpd was built without",
                remedy="take SSLCompression on away: compression inside TLS lets attackers guess secrets (CRIME)",
            ),
            _compression.negotiated,
            _compression.not_negotiated,
        ),
    ),
    Entry(
        id="basic-auth-lock-icon",
        group="protocol",
        question="When I use Basic Authentication over HTTPS, is the password sent unencrypted?",
        cause="no: the request is sent inside TLS; over HTTP it is in clear",
        remedy="ask for passwords on HTTPS only: redirect the plain host to https, or deny it there (SSLRequireSSL)",
        anchor="lockicon",
        directives=("SSLRequireSSL", "AuthType"),
        recognisers=(_wire.in_clear,),
    ),
    Entry(
        id="msie-workarounds",
        group="protocol",
        question="Why do I get I/O errors when connecting with older versions of Microsoft Internet Explorer?",
        cause="old versions mishandle keep-alive and close_notify",
        remedy='write into the virtual host: SetEnvIf User-Agent "MSIE [2-5]" nokeepalive ssl-unclean-shutdown '
        "downgrade-1.0 force-response-1.0",
        anchor="msie",
        directives=("SetEnvIf", "BrowserMatch"),
        recognisers=(_agents.workaround,),
    ),
)
