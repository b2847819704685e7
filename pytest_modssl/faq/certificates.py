"""The FAQ's group Certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import distrusted, ends_start, judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT (2), ..._LOCALLY (20), X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE (21): the
# issuer of a certificate was not found (openssl, x509_vfy.h).
_ISSUER_NOT_FOUND = (2, 20, 21)


def _issuer_missing(evidence: Evidence) -> Iterator[Finding]:
    for one in distrusted(evidence, *_ISSUER_NOT_FOUND):
        last = judged(one)
        if last is None:
            continue
        issuer, subject = last.issuer.rfc4514_string(), last.subject.rfc4514_string()
        used = evidence.served_by(one, "SSLCertificateFile")
        yield Finding(
            seen=(f"OpenSSL's verdict on the chain: {one.verification}",),
            cause=f"the server does not send the certificate of {issuer}, which issued that of {subject}",
            place=None if used is None else used.place,
            certainty="likely",
        )


ENTRIES = (
    Entry(
        id="keys-csrs-certificates",
        group="certificates",
        question="What are RSA Private Keys, CSRs and Certificates?",
        cause="the key signs, the request asks a CA to certify its public half, the certificate says whose it is",
        remedy="look at each with .text() of pytest_modssl's objects, or openssl pkey, req and x509 -noout -text",
        anchor="keyscerts",
    ),
    Entry(
        id="startup-pass-phrase",
        group="certificates",
        question="Is there a difference on startup between a non-SSL-aware Apache and an SSL-aware Apache?",
        cause="the private key is encrypted, and nobody is there to type its pass phrase",
        remedy="give the key without a pass phrase, or name the program that tells it in the global directives: "
        "SSLPassPhraseDialog exec:/path/to/program",
        anchor="startup",
        directives=("SSLPassPhraseDialog", "SSLCertificateKeyFile"),
        numbers=("AH01968", "AH02578"),
        recognisers=(
            ends_start(
                "AH02578",
                cause="the private key of {host} is encrypted, and there is no terminal to ask for its pass phrase on",
                directive="SSLCertificateKeyFile",
            ),
        ),
    ),
    Entry(
        id="self-signed",
        group="certificates",
        question="How do I create a self-signed SSL Certificate for testing purposes?",
        cause="a self-signed certificate is trusted by nobody who was not told to",
        remedy="let clients trust it by name, or issue the server's certificate by a CA that they trust",
        anchor="selfcert",
        directives=("SSLCertificateFile",),
    ),
    Entry(
        id="real-certificate",
        group="certificates",
        question="How do I create a real SSL Certificate?",
        cause="a CA signs the request that was made with the server's key",
        remedy="CSR.create(key, names), CA.sign(csr), and the result as tls= of the virtual host",
        anchor="realcert",
        directives=("SSLCertificateFile", "SSLCertificateKeyFile"),
    ),
    Entry(
        id="own-ca",
        group="certificates",
        question="How do I create and use my own Certificate Authority (CA)?",
        cause="a CA is a key and a certificate that may sign others",
        remedy="CA() with intermediate(), issue(), revoke() and crl(); its root is what clients trust",
        anchor="ownca",
        directives=("SSLCACertificateFile", "SSLCARevocationFile"),
    ),
    Entry(
        id="change-pass-phrase",
        group="certificates",
        question="How can I change the pass-phrase on my private key file?",
        cause="the pass phrase encrypts the file and is no part of the key",
        remedy="read the key with the old pass phrase and write it with the new: openssl pkey -aes256",
        anchor="passphrase",
        directives=("SSLCertificateKeyFile",),
    ),
    Entry(
        id="remove-pass-phrase",
        group="certificates",
        question="How can I get rid of the pass-phrase dialog at Apache startup time?",
        cause="the key is stored encrypted, so that httpd asks at every start",
        remedy="store it plain, readable for root alone (0400), or name a program: SSLPassPhraseDialog exec:/path",
        anchor="removepassphrase",
        directives=("SSLPassPhraseDialog", "SSLCertificateKeyFile"),
    ),
    Entry(
        id="key-matches-certificate",
        group="certificates",
        question="How do I verify that a private key matches its Certificate?",
        cause="the public key in the certificate is not that of the private key",
        remedy="give the virtual host a key and a certificate that belong together: a leaf of the CA has both; compare "
        "openssl x509 -noout -pubkey and openssl pkey -pubout",
        anchor="verify",
        directives=("SSLCertificateKeyFile", "SSLCertificateFile"),
        numbers=("AH02565",),
        recognisers=(
            ends_start(
                "AH02565",
                cause="the certificate and the private key of {host} do not belong together",
                directive="SSLCertificateKeyFile",
            ),
        ),
    ),
    Entry(
        id="pem-to-der",
        group="certificates",
        question="How can I convert a certificate from PEM to DER format?",
        cause="PEM is DER in Base64, with a header and a footer",
        remedy="openssl x509 -outform DER, or LeafCert.der",
        anchor="pemder",
    ),
    Entry(
        id="intermediate-missing",
        group="certificates",
        question="Why do browsers complain that they cannot verify my server certificate?",
        cause="the server does not send the certificate of the CA that issued its own",
        remedy="put the intermediate certificates behind the server's own into SSLCertificateFile, issuer after "
        "subject and without the root; before httpd 2.4.8 into SSLCertificateChainFile",
        anchor="gid",
        directives=("SSLCertificateFile", "SSLCertificateChainFile"),
        since="SSLCertificateChainFile is obsolete since httpd 2.4.8.",
        recognisers=(_issuer_missing,),
    ),
)
