"""Keys, certification authorities, certificates, requests, revocation lists and DH parameters for tests."""

from __future__ import annotations

from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.ca import CA
from pytest_modssl.pki.cache import generate_key
from pytest_modssl.pki.keys import KEY_TYPES, PrivateKey
from pytest_modssl.pki.leaf import LeafCert

__all__ = ["CA", "KEY_TYPES", "Blob", "LeafCert", "PrivateKey", "generate_key"]
