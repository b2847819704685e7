"""A server's demand for a client certificate: when it came, and what the client did about it.

Rules:
- A server demands a certificate in the handshake, or later for one request. Up to TLS 1.2 it then asks for a
  renegotiation, a whole handshake inside of the encrypted connection (RFC 5246 section 7.4.1.1); in TLS 1.3 it sends a
  CertificateRequest of its own, to clients that said before that they would answer (RFC 8446 sections 4.2.6, 4.6.2).
- The client answers with its Certificate, which is empty where it has none, and proves by CertificateVerify that it has
  the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

How = Literal["handshake", "renegotiation", "post-handshake"]
"""When a server demanded a client certificate."""

PROTOCOLS: dict[How, str | None] = {"handshake": None, "renegotiation": "TLSv1.2", "post-handshake": "TLSv1.3"}
"""The newest protocol in which there is such a demand; None for all."""

WORDS: dict[How, str] = {
    "handshake": "in the handshake",
    "renegotiation": "by renegotiation",
    "post-handshake": "by post-handshake authentication",
}
"""The ways in words, as they follow "demanded"."""


@dataclass(frozen=True, slots=True)
class CertificateDemand:
    """One demand for a client certificate.

    Args:
        how: When it came.
        answered: Whether the client sent a certificate with the proof of its key, and not the empty list.
    """

    how: How
    answered: bool = False

    def __str__(self) -> str:
        return f"{WORDS[self.how]}, {'sent' if self.answered else 'none sent'}"
