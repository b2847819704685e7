"""Demonstrations of clients that take only small Diffie-Hellman primes: Java 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Demonstration

DEMONSTRATIONS: tuple[Demonstration, ...] = ()
