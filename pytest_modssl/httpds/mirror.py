"""Debian's packages fetched without apt: signature -> hashes of the indexes -> hashes of the packages.

The signature is checked by gpgv, with Debian's keys. Where gpgv is missing nothing is fetched, unless the user says
that HTTPS shall be enough: then one trusts the mirror, and whoever this machine lets speak for it, instead of Debian.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import ssl
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter

from pytest_modssl.errors import FetchError
from pytest_modssl.httpd.runner import run_here
from pytest_modssl.httpds.archives import COMPONENT, keyrings
from pytest_modssl.httpds.packages import Index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_modssl.httpds.archives import Archive
    from pytest_modssl.httpds.packages import Package

# Seconds to connect, and between two pieces of an answer.
_TIMEOUT: Final = (10, 30)
_RETRIES: Final = 2
_NO_GPGV: Final = (
    "nothing can check Debian's signature here: gpgv is not installed. What to do: install it (package gpgv, or "
    "gnupg2), or, to trust HTTPS alone, set --modssl-debian-unsigned (PYTEST_MODSSL_DEBIAN_UNSIGNED=1)"
)


class Mirror:
    """A `Fetcher`.

    Args:
        work: an empty folder.
        architecture: Debian's name of it (`amd64`).
        unsigned: do without the signature, over HTTPS only.

    Raises:
        FetchError: when the signature cannot be checked and is asked for.
    """

    def __init__(self, work: Path, architecture: str, *, unsigned: bool) -> None:
        self._work = work
        self._architecture = architecture
        self._unsigned = unsigned
        if not unsigned and shutil.which("gpgv") is None:
            raise FetchError(_NO_GPGV)
        self._session = requests.Session()
        self._session.mount("https://", _MachineTrust(max_retries=_RETRIES))
        self._session.mount("http://", HTTPAdapter(max_retries=_RETRIES))

    @property
    def description(self) -> str:
        """See `Fetcher`."""
        return "HTTPS, its signature unchecked" if self._unsigned else "HTTP, its signature checked by gpgv"

    def indexes(self, archives: Sequence[Archive]) -> list[Index]:
        """See `Fetcher`."""
        return [self._index(archive) for archive in archives]

    def packages(self, packages: Sequence[Package], folder: Path) -> None:
        """See `Fetcher`."""
        for package in packages:
            content = self._get_or_none(package.url)
            if content is not None:
                _check(content, package.sha256, package.url)
                (folder / f"{package.name}.deb").write_bytes(content)

    def _index(self, archive: Archive) -> Index:
        base = f"{archive.url}/dists/{archive.suite}"
        if self._unsigned and not base.startswith("https://"):
            raise FetchError(f"{archive.url} is not HTTPS, and without Debian's signature nothing else is trusted")
        release = self._release(archive, f"{base}/InRelease")
        name = f"{COMPONENT}/binary-{self._architecture}/Packages.xz"
        entry = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(name)}$", release, re.MULTILINE)
        if entry is None:
            raise FetchError(f"{base} has no packages for {self._architecture}")
        # By its hash, so that a mirror that is being updated has the file that goes with this signature.
        folder, _, _ = name.rpartition("/")
        url = f"{base}/{folder}/by-hash/SHA256/{entry[1]}"
        content = self._get(url)
        _check(content, entry[1], url)
        return Index(archive.url, lzma.decompress(content))

    def _release(self, archive: Archive, url: str) -> str:
        """The signed text of an archive: its name, until when it holds, and the hashes of its indexes."""
        signed = self._get(url)
        text = signed.decode("utf-8", "replace") if self._unsigned else self._verified(signed, url)
        fields = dict(re.findall(r"^([A-Za-z-]+): (.+)$", text, re.MULTILINE))
        if archive.suite not in {fields.get("Codename"), fields.get("Suite")}:
            raise FetchError(f"{url} is the index of {fields.get('Codename')}, not of {archive.suite}")
        until = fields.get("Valid-Until")
        if until and not archive.may_expire and parsedate_to_datetime(until) < datetime.now(timezone.utc):
            raise FetchError(
                f"{url} was valid until {until}: the mirror has not been updated since, or this machine's clock is "
                "wrong. What to do: name another mirror (--modssl-debian-mirror)."
            )
        return text

    def _verified(self, signed: bytes, url: str) -> str:
        """The text that a signature is good for; what stands around it is not in it.

        As apt does it (methods/gpgv.cc): one good signature of a known key, and none that is bad.
        """
        file, text = self._work / "InRelease", self._work / "Release"
        file.write_bytes(signed)
        text.unlink(missing_ok=True)
        keys = [word for one in keyrings() for word in ("--keyring", str(one))]
        command = ["gpgv", "--homedir", str(self._work), "--status-fd", "1", *keys, "--output", str(text), str(file)]
        answer = run_here(command, env={"LC_ALL": "C"})
        words = {line.split()[1] for line in answer.stdout.splitlines() if line.startswith("[GNUPG:] ")}
        if "GOODSIG" not in words or "BADSIG" in words or not text.exists():
            said = " ".join(answer.stderr.split())
            raise FetchError(
                f"{url} is not signed by Debian, so nothing of it is taken. gpgv said: {said}. What to do: name "
                "another mirror (--modssl-debian-mirror). A suite newer than this version of pytest-modssl may be "
                "signed with newer keys: package debian-archive-keyring brings them."
            )
        return text.read_text(encoding="utf-8", errors="replace")

    def _get(self, url: str) -> bytes:
        content = self._get_or_none(url)
        if content is None:
            raise FetchError(f"there is no {url}. What to do: name another mirror (--modssl-debian-mirror).")
        return content

    def _get_or_none(self, url: str) -> bytes | None:
        """The content of a file; `None` where the mirror says that it is not there."""
        try:
            answer = self._session.get(url, timeout=_TIMEOUT)
            if answer.status_code == requests.codes.not_found:
                return None
            answer.raise_for_status()
        except requests.RequestException as error:
            raise FetchError(
                f"cannot fetch {url}: {error}. What to do: name a mirror that can be reached from here "
                "(--modssl-debian-mirror, PYTEST_MODSSL_DEBIAN_MIRROR), and a proxy where there is one (https_proxy)."
            ) from error
        return answer.content


class _MachineTrust(HTTPAdapter):
    """Trusts the authorities that this machine trusts, as a company's own; requests brings a list of its own."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=ssl.create_default_context())


def _check(content: bytes, sha256: str, url: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FetchError(
            f"{url} is not what Debian signed: its SHA-256 is not {sha256}. What to do: try again; where it stays so, "
            "name another mirror (--modssl-debian-mirror)."
        )
