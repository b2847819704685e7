"""Demonstrations of passwords instead of certificates: TLS-SRP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Demonstration

DEMONSTRATIONS: tuple[Demonstration, ...] = ()
