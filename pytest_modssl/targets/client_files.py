"""Certificates and keys of clients as files beside a server's own, for what takes nothing else: requests, curl."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pytest_modssl.pki.blob import Blob

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_modssl.pki import LeafCert


class ClientFiles:
    """Files for clients of one server.

    Args:
        folder: what belongs to the server on this machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def certificate(self, client: LeafCert) -> tuple[Path, Path]:
        """The certificate and key as files."""
        folder = self._folder / "client"
        folder.mkdir(mode=0o700, exist_ok=True)
        # By content: one certificate may come with another chain, or, by mistake, with another key.
        name = hashlib.sha256(client.private_key_and_cert_chain_pem.bytes()).hexdigest()
        files = folder / f"{name}.crt", folder / f"{name}.key"
        if not files[1].exists():
            client.cert_file_pem.write_to_path(files[0])
            client.private_key.pem.write_to_path(files[1])
        return files

    def for_commands(self, trust: Sequence[bytes], client: LeafCert | None) -> dict[str, Any]:
        """What `s_client_command` and `curl_command` take: the roots, where there are any, and the client's files."""
        certificate, key = (None, None) if client is None else self.certificate(client)
        return {"ca_file": self.roots(trust), "certificate_file": certificate, "key_file": key}

    def roots(self, trust: Sequence[bytes]) -> Path | None:
        """The roots as a file, where there are any."""
        if not trust:
            return None
        roots = Blob(b"".join(trust))
        # By content: a handshake may have roots of its own.
        name = f"ca-{hashlib.sha256(roots.bytes()).hexdigest()[:12]}.pem"
        return roots.write_to_path(self._folder / name, mode=0o644)
