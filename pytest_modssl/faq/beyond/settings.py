"""Settings of TLS that this httpd, or the OpenSSL behind it, does not take."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry
from pytest_modssl.faq.recognise import ends_start, refused

ENTRIES = (
    Entry(
        id="no-protocol",
        group="beyond",
        question="Why does httpd say that no SSL protocols are available?",
        cause="SSLProtocol takes away every protocol",
        remedy="name those to be spoken: SSLProtocol -all +TLSv1.2 +TLSv1.3",
        directives=("SSLProtocol",),
        numbers=("AH02231",),
        recognisers=(ends_start("AH02231", directive="SSLProtocol"),),
    ),
    Entry(
        id="protocol-unknown",
        group="beyond",
        question="Why does httpd call a protocol illegal or not supported?",
        cause="SSLProtocol names a protocol that does not exist, or that this OpenSSL was built without",
        remedy="choose among TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3",
        directives=("SSLProtocol",),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"SSL(?:Proxy)?Protocol: Illegal protocol '(?P<name>.*?)'",
                cause="mod_ssl knows no protocol {name}",
            ),
            refused(
                r"(?P<name>SSLv\d) (?:is no longer|not) supported",
                cause="{name} is not to be had with this httpd and its OpenSSL",
            ),
        ),
    ),
    Entry(
        id="openssl-command-unknown",
        group="beyond",
        question="Why does httpd call an OpenSSL configuration command invalid?",
        cause="SSLOpenSSLConfCmd names a command that this OpenSSL does not have",
        remedy="spell it as SSL_CONF_cmd(3) does: Curves, Groups, MinProtocol, SignatureAlgorithms, Options",
        directives=("SSLOpenSSLConfCmd",),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"'(?P<name>.*?)': invalid OpenSSL configuration command",
                cause="OpenSSL has no configuration command {name}",
            ),
        ),
    ),
    Entry(
        id="openssl-command-refused",
        group="beyond",
        question="Why does an SSLOpenSSLConfCmd fail when httpd starts?",
        cause="this OpenSSL refuses the value: a group that it does not have, or parameters too small for its level",
        remedy="give a value that this OpenSSL has (openssl list -tls-groups, openssl ecparam -list_curves)",
        directives=("SSLOpenSSLConfCmd",),
        numbers=("AH02407",),
        since="X25519MLKEM768 needs OpenSSL 3.5.",
        recognisers=(
            ends_start(
                "AH02407",
                match=r'"SSLOpenSSLConfCmd (?P<command>(?!CipherString|DHParameters ).*?)" failed for',
                cause="OpenSSL refuses {command} for {host}",
                directive="SSLOpenSSLConfCmd",
            ),
        ),
    ),
    Entry(
        id="session-cache-not-supported",
        group="beyond",
        question="Why does httpd call a session cache not supported?",
        cause="the module of that kind of cache is not loaded, or there is no such kind",
        remedy="load its module (mod_socache_shmcb for shmcb:), or spell the kind as the manual does",
        directives=("SSLSessionCache", "SSLStaplingCache"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"(?P<directive>SSL\w+Cache): '(?P<kind>.*?)' \w+ cache not supported",
                cause="{directive} names a cache of the kind {kind}, whose module mod_socache_{kind} is not loaded",
            ),
        ),
    ),
)
