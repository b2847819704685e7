"""Keys that are dear to make, shared by all workers and runs of one user.

Rules of the folder:
- It is the user's own, which is checked, no symbolic link, and 0700. Where no such folder can be had, nothing is kept.
- A key type has `SLOTS` files, `TYPE-SLOT.pem`, 0600. A file that is not whole (other owner, wider mode, not a key,
  another type, halves that do not belong together) is replaced.
- A file is made under `TYPE-SLOT.lock`, and takes its name in one step: who finds it reads it without the lock.
- Lock files stay: unlinking one while another process waits for it would let two makers in.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, padding, rsa
from filelock import FileLock

from pytest_modssl.folders import own_folder
from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.keys import KEY_TYPES, PrivateKey, SigningKey, generate_signing_key, key_type_of

if TYPE_CHECKING:
    from pathlib import Path

# Enough that the hosts of one configuration have keys of their own; few enough that all RSA-4096 (0.6 s each) are soon
# made.
SLOTS: Final = 8
# The largest stored key, RSA-4096 in PKCS #8, has 3272 bytes.
_LARGEST_FILE: Final = 16384


class KeyPool:
    """Deals keys: RSA and DSA from the cache, round robin from a random slot, all others made on the spot.

    Each of `SLOTS` successive keys of one type is distinct. One pool serves one CA and its intermediates.
    """

    def __init__(self) -> None:
        self._slots: dict[str, itertools.count[int]] = {}

    def take(self, key_type: str) -> PrivateKey:
        """The next key of the type.

        Raises:
            PkiError: when the type is none of `KEY_TYPES`.
        """
        if key_type not in KEY_TYPES or not key_type.startswith(("rsa-", "dsa-")):
            return PrivateKey(signing_key=generate_signing_key(key_type))
        turn = self._slots.setdefault(key_type, itertools.count(secrets.randbelow(SLOTS)))
        return PrivateKey(signing_key=_cached_key(cache_folder(), key_type, next(turn) % SLOTS))


_POOL: Final = KeyPool()


def generate_key(key_type: str = "ec-p256") -> PrivateKey:
    """A private key of the type; RSA and DSA keys come from the user's cache and repeat after eight.

    Args:
        key_type: one of `KEY_TYPES`.

    Raises:
        PkiError: when the type is none of `KEY_TYPES`.
    """
    return _POOL.take(key_type)


def cache_folder() -> Path | None:
    """The folder that keeps keys, made and checked; `None` where none can be made the user's own."""
    return own_folder("keys", mode=0o700)


@functools.cache
def _cached_key(folder: Path | None, key_type: str, slot: int) -> SigningKey:
    if folder is None:
        return generate_signing_key(key_type)
    path = folder / f"{key_type}-{slot}.pem"
    if key := _read(path, key_type):
        return key
    with FileLock(path.with_suffix(".lock"), mode=0o600):
        if key := _read(path, key_type):
            return key
        key = generate_signing_key(key_type)
        with contextlib.suppress(OSError):  # a full or read-only disk costs time, not the test
            PrivateKey(signing_key=key).pem.write_to_path(path)
        return key


def _read(path: Path, key_type: str) -> SigningKey | None:
    """The key in a file of the cache, or `None` where the file is missing or not whole."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                return None
            content = Blob(stream.read(_LARGEST_FILE))
    except OSError:
        return None
    # The library's own check tests the primes again: 0.23 s for RSA-4096, where generating takes 0.63 s. A signature
    # that verifies shows in 3 ms that the file holds the halves of one key.
    try:
        key = serialization.load_pem_private_key(content.bytes(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, (rsa.RSAPrivateKey, dsa.DSAPrivateKey)) and key_type_of(key) == key_type and _signs(key):
        return key
    return None


def _signs(key: rsa.RSAPrivateKey | dsa.DSAPrivateKey) -> bool:
    probe = b"pytest-modssl"
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            signature = key.sign(probe, padding.PKCS1v15(), hashes.SHA256())
            key.public_key().verify(signature, probe, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.public_key().verify(key.sign(probe, hashes.SHA256()), probe, hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
