"""The FAQ's group Configuration."""

from __future__ import annotations

from pytest_modssl.faq.configuration import by_hand, connecting, ports, switching, variables

ENTRIES = (*ports.ENTRIES, *by_hand.ENTRIES, *connecting.ENTRIES, *variables.ENTRIES, *switching.ENTRIES)
