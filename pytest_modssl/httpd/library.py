"""What an httpd's own OpenSSL says of cipher strings: `openssl ciphers`, run where the httpd is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import ConfigError, HttpdNotFoundError

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation

_FLAGS = {"SSLv3": "-ssl3", "TLSv1": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
# What mod_ssl appends to every SSLCipherSuite (ssl_engine_config.c, ssl_cmd_SSLCipherSuite, httpd 2.4.71).
_FORBIDDEN = "!aNULL:!eNULL:!EXP"


def listed_suites(installation: Installation, cipher_string: str, protocol: str) -> tuple[str, ...]:
    """The cipher suites that `SSLCipherSuite` with a string stands for under a protocol, in OpenSSL's order.

    They are what `openssl ciphers -s` lists (ciphers(1)): those that the library supports with the protocol, at its
    security level or that of the string, without PSK and SRP, whatever keys a server has. For TLS 1.3, on which such
    strings have no effect, they are the library's default.

    Args:
        installation: the httpd.
        cipher_string: as for `SSLCipherSuite`, to which mod_ssl adds `!aNULL:!eNULL:!EXP`.
        protocol: "TLSv1.2".

    Raises:
        HttpdNotFoundError: when no program `openssl` is there that belongs to this httpd.
        ConfigError: when OpenSSL does not understand the string, or has no suite for it.
    """
    command = installation.openssl_command
    if command is None:
        raise HttpdNotFoundError(
            f"Only a program `openssl` of the same library can tell what {cipher_string!r} stands for, and none came "
            f"with {installation.binary}. Install it there (Debian's package openssl), or name suites instead."
        )
    # In a range that holds TLS 1.3 its suites would be listed too; a single protocol has its own alone.
    arguments = ["ciphers", "-s", _FLAGS[protocol], f"{cipher_string}:{_FORBIDDEN}"]
    said = installation.run([*command, *arguments], env=dict(installation.environment))
    if said.returncode:
        raise ConfigError(
            f"`openssl {' '.join(arguments)}` of {installation.id} failed: "
            f"{(said.stderr or said.stdout).strip() or f'exit status {said.returncode}'}"
        )
    return tuple(filter(None, said.stdout.strip().split(":")))
