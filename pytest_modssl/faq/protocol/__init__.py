"""The FAQ's group "The SSL protocol", in its order."""

from __future__ import annotations

from pytest_modssl.faq.protocol import ciphers, clients, java, load, names, srp

ENTRIES = (*load.ENTRIES, *ciphers.ENTRIES, *names.ENTRIES, *clients.ENTRIES, *srp.ENTRIES, *java.ENTRIES)
