"""Where Debian's packages come from, and what fetching them is, whoever does it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_modssl.httpds.packages import Index, Package

COMPONENT: Final = "main"
# https://www.debian.org/mirror/list: the address that stands for all mirrors, over HTTPS.
_DEFAULT: Final = "https://deb.debian.org/debian"
# Where package debian-archive-keyring puts it; the suffix changed with Debian 13.
_MACHINE_KEYRINGS: Final = tuple(
    Path(f"/usr/share/keyrings/debian-archive-keyring.{suffix}") for suffix in ("pgp", "gpg")
)
_RELEASE: Final = re.compile(r"'(?P<url>\S+?)/dists/(?P<suite>[^/']+)(?:/updates)?/InRelease'")


@dataclass(frozen=True, slots=True)
class Archive:
    """One suite at one mirror.

    Attributes:
        url: the mirror, without a slash at the end.
        suite: `trixie`, or `trixie-security`.
        may_expire: whether an index that has expired is taken all the same.
    """

    url: str
    suite: str
    may_expire: bool = False


class Fetcher(Protocol):
    """Fetches from archives, and verifies what it fetched."""

    @property
    def description(self) -> str:
        """Who fetches and verifies, for a message that begins with "fetching ... by"."""
        ...

    def indexes(self, archives: Sequence[Archive]) -> list[Index]:
        """The indexes of the archives, verified by Debian's signature.

        Raises:
            FetchError: when one cannot be had.
        """
        ...

    def packages(self, packages: Sequence[Package], folder: Path) -> None:
        """Puts the packages into a folder as `NAME.deb`, verified by the hashes of the index.

        What the archive lists and does not have is left out.

        Raises:
            FetchError: when one cannot be fetched for another reason.
        """
        ...


def archives_of(suite: str, mirrors: Sequence[str]) -> list[Archive]:
    """The archives of a suite.

    Args:
        suite: one of `SUITES`.
        mirrors: addresses of the main and of the security archive. Where the second is missing it stands beside the
            first, `-security` being added to its name, as on Debian's own mirrors. Where both are: `_DEFAULT`.

    Raises:
        FetchError: for what is no address.
    """
    main, *security = mirrors or (_DEFAULT,)
    rules = SUITES[suite]
    found = [Archive(main.rstrip("/"), suite, may_expire=not rules.released)]
    if rules.security:
        url = security[0] if security else f"{main.rstrip('/')}-security"
        found.append(Archive(url.rstrip("/"), f"{suite}-security", may_expire=not rules.released))
    for archive in found:
        if not re.match(r"[a-z+]+:/\S", archive.url):
            raise FetchError(
                f"{archive.url!r} is no address of a Debian mirror. What to do: give one such as {_DEFAULT}, as "
                "--modssl-debian-mirror."
            )
    return found


def mirrors_in(listing: str) -> list[str]:
    """The mirrors that a machine's apt uses for Debian, in the shape that `archives_of` takes; empty for none.

    Args:
        listing: what `apt-get update --print-uris` prints.
    """
    found: dict[bool, str] = {}
    for match in _RELEASE.finditer(listing):
        name, _, pocket = match["suite"].partition("-")
        if name in SUITES and pocket in {"", "security"}:
            found.setdefault(pocket == "security", match["url"])
    return [found[kind] for kind in (False, True) if kind in found] if False in found else []


def keyrings() -> list[Path]:
    """Files with the public keys that Debian signs its archives with: the machine's own, and the package's."""
    shipped = resources.files("pytest_modssl.httpds") / "debian-archive-keyring.pgp"
    return [*_existing(_MACHINE_KEYRINGS), Path(str(shipped))]


def _existing(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.is_file()][:1]
