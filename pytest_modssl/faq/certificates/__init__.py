"""The FAQ's group Certificates."""

from __future__ import annotations

from pytest_modssl.faq.certificates import keys, trust
from pytest_modssl.faq.entry import Entry
from pytest_modssl.faq.recognise import ends_start, refused

ENTRIES = (
    Entry(
        id="keys-csrs-certificates",
        group="certificates",
        question="What are RSA Private Keys, CSRs and Certificates?",
        cause="the key signs, the request asks a CA to certify its public half, the certificate says whose it is",
        remedy="let SSLCertificateFile name the certificate and SSLCertificateKeyFile the key; look at each with "
        ".text() of pytest_modssl's objects, or openssl pkey, req and x509 -noout -text",
        anchor="keyscerts",
        directives=("SSLCertificateFile", "SSLCertificateKeyFile"),
        numbers=("AH02562", "AH02564", "AH02579"),
        recognisers=(keys.no_certificate, keys.no_key),
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
        numbers=("AH01968", "AH01969", "AH02578", "AH02580"),
        since="httpd calls the program with the host and port of the key, and RSA whatever the key's type: "
        "www.example.test:443 RSA (measured on 2.4.71).",
        recognisers=(
            keys.program_not_executable,
            keys.program_never_answers,
            refused(
                r"SSLPassPhraseDialog: file '(?P<file>.*?)' does not exist",
                cause="the program that should tell the pass phrase, {file}, is not there where the server runs",
            ),
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
        recognisers=(trust.self_signed,),
    ),
    Entry(
        id="real-certificate",
        group="certificates",
        question="How do I create a real SSL Certificate?",
        cause="a CA signs the request that was made with the server's key, for the names that the request asks for",
        remedy="ask for every name of the virtual host: CSR.create(key, *names), CA.sign(csr, names=names), and the "
        "result as its tls=",
        anchor="realcert",
        directives=("SSLCertificateFile", "SSLCertificateKeyFile", "ServerName"),
        recognisers=(trust.other_names,),
    ),
    Entry(
        id="own-ca",
        group="certificates",
        question="How do I create and use my own Certificate Authority (CA)?",
        cause="a CA is a key and a certificate that may sign others, and whoever is to trust those must know its root",
        remedy="give the root to those who verify: clients trust it (trust=, curl --cacert), and the server has it in "
        "SSLCACertificateFile for client certificates; CA() has intermediate(), issue(), revoke(), crl() and OCSP",
        anchor="ownca",
        directives=("SSLCACertificateFile", "SSLVerifyClient", "SSLCARevocationFile"),
        numbers=("AH02276",),
        recognisers=(trust.root_not_trusted, trust.client_of_other_ca),
    ),
    Entry(
        id="change-pass-phrase",
        group="certificates",
        question="How can I change the pass-phrase on my private key file?",
        cause="the pass phrase encrypts the file and is no part of the key",
        remedy="read the key with the old pass phrase, write it with the new (openssl pkey -aes256), and let the "
        "program of SSLPassPhraseDialog tell that one, and nothing else",
        anchor="passphrase",
        directives=("SSLPassPhraseDialog", "SSLCertificateKeyFile"),
        numbers=("AH02580",),
        since="A program that fails, or cannot be run, is logged like a wrong pass phrase (measured on httpd 2.4.71).",
        recognisers=(keys.wrong_pass_phrase,),
    ),
    Entry(
        id="remove-pass-phrase",
        group="certificates",
        question="How can I get rid of the pass-phrase dialog at Apache startup time?",
        cause="the key is stored encrypted, so that httpd asks at every start",
        remedy="store it plain, readable for root alone (0400) and outside of every DocumentRoot, or name a program: "
        "SSLPassPhraseDialog exec:/path",
        anchor="removepassphrase",
        directives=("SSLPassPhraseDialog", "SSLCertificateKeyFile"),
        recognisers=(keys.readable_by_others,),
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
        remedy="httpd reads certificates as PEM: openssl x509 -inform DER, or Blob.from_der; the other way it is "
        "-outform DER, or Blob.der",
        anchor="pemder",
        directives=("SSLCertificateFile",),
        numbers=("AH02562",),
        recognisers=(keys.der_certificate,),
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
        recognisers=(trust.issuer_missing, trust.chain_in_disorder),
    ),
)
