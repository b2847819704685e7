"""Just enough of OpenPGP (RFC 9580) to sign a text as an archive does, so that the tests need no gpg."""

from __future__ import annotations

import base64
import hashlib
import struct
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_EDDSA, _SHA256, _TEXT, _CERTIFICATION = 22, 8, 0x01, 0x13
_CURVE = bytes.fromhex("092b06010401da470f01")


class Signer:
    """A key that signs; `public` is what a keyring holds of it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        # A key must be older than what it signs.
        body = struct.pack(">BIB", 4, int(time.time()) - 1000, _EDDSA) + _CURVE
        body += _number(b"\x40" + self._key.public_key().public_bytes_raw())
        framed = b"\x99" + struct.pack(">H", len(body)) + body
        self._fingerprint = hashlib.sha1(framed).digest()
        name = b"Archive of a test"
        # Without its own word that it may sign gpgv takes no key.
        itself = self._signature(_CERTIFICATION, framed + b"\xb4" + struct.pack(">I", len(name)) + name)
        self.public = _packet(6, body) + _packet(13, name) + itself

    def signed(self, text: str) -> bytes:
        """The text with a signature around it (RFC 9580, section 7)."""
        canonical = "\r\n".join(line.rstrip(" \t") for line in text.splitlines())
        packet = self._signature(_TEXT, canonical.encode())
        armoured = f"{base64.encodebytes(packet).decode()}={base64.b64encode(_crc24(packet)).decode()}\n"
        return (
            f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{text}"
            f"-----BEGIN PGP SIGNATURE-----\n\n{armoured}-----END PGP SIGNATURE-----\n"
        ).encode()

    def _signature(self, kind: int, content: bytes) -> bytes:
        hashed = _subpacket(2, struct.pack(">I", int(time.time()))) + _subpacket(33, b"\x04" + self._fingerprint)
        hashed += _subpacket(27, b"\x03") if kind == _CERTIFICATION else b""
        head = struct.pack(">BBBBH", 4, kind, _EDDSA, _SHA256, len(hashed)) + hashed
        digest = hashlib.sha256(content + head + struct.pack(">BBI", 4, 0xFF, len(head))).digest()
        issuer = _subpacket(16, self._fingerprint[-8:])
        signature = self._key.sign(digest)
        body = head + struct.pack(">H", len(issuer)) + issuer + digest[:2]
        return _packet(2, body + _number(signature[:32]) + _number(signature[32:]))


def _crc24(content: bytes) -> bytes:
    crc = 0xB704CE
    for byte in content:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc.to_bytes(3, "big")


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag]) + b"\xff" + struct.pack(">I", len(body)) + body


def _subpacket(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def _number(content: bytes) -> bytes:
    value = int.from_bytes(content, "big")
    return struct.pack(">H", value.bit_length()) + value.to_bytes((value.bit_length() + 7) // 8, "big")
