"""PEM text as a value: what it is can be printed, what it contains cannot leak by accident."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pytest_modssl.errors import PkiError

# Inside the class `bytes` is its method.
_Bytes: TypeAlias = bytes

# RFC 7468 section 3: the label stands between "BEGIN " and five hyphens.
_LABEL = re.compile(rb"^-----BEGIN ([^-\r\n]+)-----", re.MULTILINE)
_BLOCK = re.compile(rb"^-----BEGIN (?P<label>[^-\r\n]+)-----\s+(?P<base64>[^-]*)-----END (?P=label)-----", re.MULTILINE)
# Characters of Base64 in a line (RFC 7468 section 2).
_LINE = 64


@dataclass(frozen=True, slots=True, repr=False)
class Blob:
    """Bytes of one or more PEM blocks; `repr` and `str` show their kind and digest, never the content.

    Args:
        content: the PEM text as bytes.
    """

    content: bytes

    @property
    def kind(self) -> str:
        """Labels of the PEM blocks in order of first appearance, as in `"CERTIFICATE + DH PARAMETERS"`."""
        labels = dict.fromkeys(label.decode("ascii", "replace") for label in _LABEL.findall(self.content))
        return " + ".join(labels) or "no PEM"

    def bytes(self) -> bytes:
        """The content as bytes."""
        return self.content

    def text(self) -> str:
        """The content as text; PEM is ASCII (RFC 7468 section 2)."""
        return self.content.decode("ascii")

    @classmethod
    def from_der(cls, der: _Bytes, label: str = "CERTIFICATE") -> Blob:
        """DER as PEM: what `openssl x509 -inform DER` writes of a certificate.

        Args:
            der: the encoded value.
            label: what it is, by RFC 7468: "CERTIFICATE", "CERTIFICATE REQUEST", "PRIVATE KEY", "X509 CRL", ...
        """
        text = base64.b64encode(der)
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        name = label.encode("ascii")
        return cls(b"\n".join([b"-----BEGIN %s-----" % name, *lines, b"-----END %s-----\n" % name]))

    @property
    def der(self) -> _Bytes:
        """The first PEM block as DER: what `openssl x509 -outform DER` writes of a certificate.

        Raises:
            PkiError: when there is no PEM block, or it is not Base64, as that of an old encrypted key.
        """
        block = _BLOCK.search(self.content)
        if block is None:
            raise PkiError(f"{self!r} has no PEM block (RFC 7468) that could be written as DER.")
        try:
            return base64.b64decode(b"".join(block["base64"].split()), validate=True)
        except binascii.Error as error:
            raise PkiError(f"The PEM block of {self!r} is not Base64 alone ({error}), and so has no DER.") from None

    def write_to_path(self, path: str | os.PathLike[str], *, mode: int = 0o600) -> Path:
        """The path, after a file with exactly this content and mode has taken its place in one step.

        No other process ever sees half a file or wider permissions: the content goes to a new file of the same
        folder, which then takes the name (`rename`, POSIX.1-2017).

        Args:
            path: where the file shall stand; its folder must exist.
            mode: permission bits, kept whatever the umask is.

        Raises:
            OSError: when the folder is missing or not writable.
        """
        target = Path(path)
        fresh = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), mode)
                stream.write(self.content)
            fresh.replace(target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        return target

    def __add__(self, other: Blob) -> Blob:
        return Blob(self.content + other.content)

    def __repr__(self) -> str:
        return f"<Blob {self.kind} sha256:{hashlib.sha256(self.content).hexdigest()[:12]}>"
