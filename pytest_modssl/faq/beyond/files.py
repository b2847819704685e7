"""Certificates, keys and lists whose files are there and do not hold what they should."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry
from pytest_modssl.faq.recognise import ends_start, refused

ENTRIES = (
    Entry(
        id="ca-file-without-certificate",
        group="beyond",
        question="Why does httpd find no CA certificates for client authentication?",
        cause="the file with the CAs of the clients holds no certificate in PEM",
        remedy="put the PEM certificates of the CAs into SSLCACertificateFile, one after the other",
        directives=("SSLCACertificateFile", "SSLProxyCACertificateFile"),
        numbers=("AH01895", "AH01896"),
        recognisers=(
            ends_start("AH01895", directive="SSLCACertificateFile"),
            ends_start(
                "AH01896",
                cause="the folder with the CAs of the clients holds no certificate",
                remedy="put their PEM certificates into SSLCACertificatePath, and run openssl rehash on it",
                directive="SSLCACertificatePath",
            ),
        ),
    ),
    Entry(
        id="revocation-list-unreadable",
        group="beyond",
        question="Why does httpd fail to configure the storage for certificate revocation?",
        cause="the file holds no revocation list in PEM",
        remedy="convert the list (openssl crl -inform DER -outform PEM), or name another file in SSLCARevocationFile",
        directives=("SSLCARevocationFile", "SSLCARevocationPath"),
        numbers=("AH01901",),
        recognisers=(ends_start("AH01901", directive="SSLCARevocationFile"),),
    ),
    Entry(
        id="key-file-unreadable",
        group="beyond",
        question="Why can httpd not open the file of a certificate or private key that is there?",
        cause="the account that starts httpd may not read the file",
        remedy="start httpd as root, which reads keys of mode 0400 before its children become another user; or give "
        "the file to the account that starts it",
        directives=("SSLCertificateKeyFile", "SSLCertificateFile"),
        numbers=("AH02574", "AH02562"),
        recognisers=(
            ends_start(
                "AH02574",
                match=r"Permission denied.*key file (?P<file>\S+)",
                cause="the account that starts httpd may not read the private key {file}",
                directive="SSLCertificateKeyFile",
            ),
            ends_start(
                "AH02562",
                match=r"check (?P<file>\S+)",
                cause="the account that starts httpd may not read the certificate {file}",
                directive="SSLCertificateFile",
                library=r"Permission denied|system library:fopen:",
            ),
        ),
    ),
    Entry(
        id="certificate-folder-missing",
        group="beyond",
        question="Why does httpd say that a directory of certificates does not exist?",
        cause="the folder that the directive names is not there",
        remedy="let the directive name a folder that the server sees, or one file in SSLCACertificateFile",
        directives=("SSLCACertificatePath", "SSLCARevocationPath"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"(?P<directive>SSL\w+): directory '(?P<folder>.*?)' does not exist",
                cause="{directive} names {folder}, which is not there where the server runs",
            ),
        ),
    ),
    Entry(
        id="ticket-key-too-short",
        group="beyond",
        question="Why does httpd fail to read 48 bytes of a ticket key?",
        cause="the file in SSLSessionTicketKeyFile has fewer than 48 bytes",
        remedy="make one: openssl rand -out FILE 48",
        directives=("SSLSessionTicketKeyFile",),
        numbers=("AH02287",),
        recognisers=(ends_start("AH02287", directive="SSLSessionTicketKeyFile"),),
    ),
)
