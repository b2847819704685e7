"""Demonstrations: for an entry of the catalogue a server that shows the problem, and the same with the remedy.

Each is written as a user writes a test, and its diagnosis points at its lines. The tests play every one of them on
every target; `python -m pytest_modssl faq ID --run` plays one; the diagnosis table is made of all.
"""

from __future__ import annotations

from pytest_modssl.faq.demos import (
    beyond,
    certificates,
    ciphers,
    clients,
    connecting,
    installation,
    java,
    load,
    names,
    ports,
    srp,
    support,
    switching,
    variables,
)
from pytest_modssl.faq.demos._play import Demonstration, Played, Scene, play

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    *installation.DEMONSTRATIONS,
    *ports.DEMONSTRATIONS,
    *connecting.DEMONSTRATIONS,
    *variables.DEMONSTRATIONS,
    *switching.DEMONSTRATIONS,
    *certificates.DEMONSTRATIONS,
    *load.DEMONSTRATIONS,
    *ciphers.DEMONSTRATIONS,
    *names.DEMONSTRATIONS,
    *clients.DEMONSTRATIONS,
    *srp.DEMONSTRATIONS,
    *java.DEMONSTRATIONS,
    *support.DEMONSTRATIONS,
    *beyond.DEMONSTRATIONS,
)
"""Every demonstration, in the catalogue's order; an entry may have several."""

__all__ = ["DEMONSTRATIONS", "Demonstration", "Played", "Scene", "play"]
