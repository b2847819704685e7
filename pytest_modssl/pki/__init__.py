"""Keys, authorities, certificates, requests, revocation lists, DH parameters and SRP verifiers for tests."""

from __future__ import annotations

from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.ca import CA
from pytest_modssl.pki.cache import generate_key
from pytest_modssl.pki.csr import CSR
from pytest_modssl.pki.dh import DH_GROUPS, dh_parameters, dh_prime
from pytest_modssl.pki.keys import KEY_TYPES, PrivateKey
from pytest_modssl.pki.leaf import LeafCert
from pytest_modssl.pki.self_signed import self_signed
from pytest_modssl.pki.srp import SRP_GROUPS, SrpVerifier, srp_verifier, srp_verifier_file

__all__ = [
    "CA",
    "CSR",
    "DH_GROUPS",
    "KEY_TYPES",
    "SRP_GROUPS",
    "Blob",
    "LeafCert",
    "PrivateKey",
    "SrpVerifier",
    "dh_parameters",
    "dh_prime",
    "generate_key",
    "self_signed",
    "srp_verifier",
    "srp_verifier_file",
]
