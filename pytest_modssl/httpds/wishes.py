"""How a run wants its httpds to be had, whatever their kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modssl.progress import Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How an httpd may be had.

    Attributes:
        say: told of each step that takes time.
        offline: nothing may be fetched or built.
        again: make it also when it is there.
        mirrors: addresses of Debian's main and security archive; none for the machine's own, else Debian's.
        unsigned: trust HTTPS where nothing can check Debian's signature.
    """

    say: Say
    offline: bool = False
    again: bool = False
    mirrors: tuple[str, ...] = ()
    unsigned: bool = False
