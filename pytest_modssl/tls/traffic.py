"""The encrypted part of a TLS 1.3 handshake, opened with what this client's own library tells of its secrets.

Rules:
- Only the secrets of the handshake are taken (RFC 8446 section 7.1), never those of application data: what follows a
  side's Finished stays closed.
- Secrets stay in here: they are in no repr, and are given away once with `HandshakeSecrets.take`.
- Records are numbered (RFC 8446 section 5.3): one that cannot be opened closes that side for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pytest_modssl.tls.wire import vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    from pytest_modssl.tls.records import Record

CLIENT: Final = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
SERVER: Final = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
"""Labels of a key log line: label, random of the ClientHello, secret, the latter two in hex.

Source: RFC 9850, the format of SSLKEYLOGFILE, which SSL_CTX_set_keylog_callback(3) gives line by line.
"""

_IV: Final = 12


class _Aead(NamedTuple):
    hash: Callable[[], HashAlgorithm]
    key_length: int
    cipher: Callable[[bytes], AESGCM | AESCCM | ChaCha20Poly1305]


_SUITES: Final = {
    0x1301: _Aead(SHA256, 16, AESGCM),
    0x1302: _Aead(SHA384, 32, AESGCM),
    0x1303: _Aead(SHA256, 32, ChaCha20Poly1305),
    0x1304: _Aead(SHA256, 16, lambda key: AESCCM(key, tag_length=16)),
    0x1305: _Aead(SHA256, 16, lambda key: AESCCM(key, tag_length=8)),
}
"""How the suites of TLS 1.3 protect records. Source: RFC 8446 appendix B.4, RFC 5116 section 5, RFC 6655 section 4."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What stood in a protected record.

    Args:
        type: The content type, see `pytest_modssl.tls.records.RECORD_TYPES`.
        payload: Its bytes, without padding.
    """

    type: int
    payload: bytes


class Opener:
    """Opens the protected records of one direction, each once and in order.

    Args:
        secret: The handshake traffic secret of the side that sent them.
        cipher_suite: The number of the suite selected.
    """

    def __init__(self, secret: bytes, cipher_suite: int) -> None:
        suite = _SUITES.get(cipher_suite)
        self._number = 0
        self._closed = suite is None
        if suite is not None:
            # RFC 8446 section 7.3
            self._cipher = suite.cipher(expand_label(secret, "key", suite.key_length, suite.hash()))
            self._iv = int.from_bytes(expand_label(secret, "iv", _IV, suite.hash()), "big")

    def open(self, record: Record) -> Opened | None:
        """What stands in the record; None where it was not protected with this secret (RFC 8446 section 5.2)."""
        if self._closed:
            return None
        nonce = (self._iv ^ self._number).to_bytes(_IV, "big")
        header = record.to_bytes()[:5]
        try:
            inner = self._cipher.decrypt(nonce, record.payload, header).rstrip(b"\0")
        except (InvalidTag, ValueError):
            inner = b""
        self._number += 1
        self._closed = not inner
        return Opened(inner[-1], inner[:-1]) if inner else None


class HandshakeSecrets:
    """The secrets of one connection's handshake, from the lines of its key log."""

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}

    def note(self, line: bytes) -> None:
        """Keep what a line tells, if it is of the handshake."""
        label, _, secret = line.decode("ascii", "replace").split(" ")
        if label in (CLIENT, SERVER):
            self._secrets[label] = bytes.fromhex(secret)

    def take(self, label: str, cipher_suite: int) -> Opener | None:
        """The opener for one direction, once; None where its secret is not known."""
        secret = self._secrets.pop(label, None)
        return None if secret is None else Opener(secret, cipher_suite)


def expand_label(secret: bytes, label: str, length: int, algorithm: HashAlgorithm) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1)."""
    info = length.to_bytes(2, "big") + vector(1, f"tls13 {label}".encode()) + vector(1, b"")
    return HKDFExpand(algorithm, length, info).derive(secret)
