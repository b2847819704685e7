"""Debian's suites that can be had; nothing is imported here, as the settings ask when pytest starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Suite:
    """One release of Debian.

    Attributes:
        security: whether the security archive has it.
        released: whether it is a release, the index of whose main archive does not expire. That of a suite in the
            making does, and mirrors that do not follow closely have it expired (seen in forky and sid).
    """

    security: bool = True
    released: bool = True


# https://www.debian.org/releases/; httpd 2.4.67 with OpenSSL 1.1.1 is the oldest, 2.4.69 with 3.6 the newest
# (November 2026).
SUITES: Final = {
    "bullseye": Suite(),
    "bookworm": Suite(),
    "trixie": Suite(),
    "forky": Suite(released=False),
    "sid": Suite(security=False, released=False),
}
DEFAULT: Final = "trixie"
