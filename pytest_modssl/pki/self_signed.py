"""Certificates that nobody but their own key vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.pki.cache import generate_key
from pytest_modssl.pki.certificate import Issuer, certify
from pytest_modssl.pki.leaf import LeafCert, server_profile

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from pytest_modssl.pki.keys import PrivateKey
    from pytest_modssl.pki.names import Subject


def self_signed(
    *names: str,
    common_name: str | None = None,
    subject: Subject | None = None,
    key_type: str = "ec-p256",
    key: PrivateKey | None = None,
    usages: Sequence[str] = ("serverAuth",),
    ca: bool = False,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
    signature_hash: str = "sha256",
) -> LeafCert:
    """A self-signed server certificate, without chain and root; arguments and errors as for `CA.issue`.

    `ca=True` gives what `openssl req -x509` makes by default, and many installations run with.
    """
    profile = server_profile(
        names,
        common_name=common_name,
        subject=subject,
        usages=usages,
        ca=ca,
        not_before=not_before,
        not_after=not_after,
        signature_hash=signature_hash,
    )
    key = key or generate_key(key_type)
    issuer = Issuer.of(profile.subject, key.signing_key)
    return LeafCert(private_key=key, certificate=certify(profile, key.signing_key.public_key(), issuer))
