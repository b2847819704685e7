"""PEM text as a value: what it is can be printed, what it contains cannot leak by accident."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

# RFC 7468 section 3: the label stands between "BEGIN " and five hyphens.
_LABEL = re.compile(rb"^-----BEGIN ([^-\r\n]+)-----", re.MULTILINE)


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
