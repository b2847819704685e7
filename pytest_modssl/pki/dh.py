"""The well-known Diffie-Hellman groups, as the parameter files that httpd reads.

Every prime but one is given by the formula and the number with which its standard defines it, so that there are no
hundreds of hex digits to trust: 64 one bits, the leading bits of pi or e plus a small offset, 64 one bits. The files of
`fixtures/dh` were written by openssl from its own constants; a test compares them with what is computed here.
"""

from __future__ import annotations

import base64
import functools
import textwrap
from collections.abc import Callable
from typing import Final

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import _der
from pytest_modssl.pki.blob import Blob


def _pi(bits: int) -> int:
    """floor(2**bits * pi), by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239)."""
    return (16 * _arctan_of_inverse(5, bits + _GUARD) - 4 * _arctan_of_inverse(239, bits + _GUARD)) >> _GUARD


def _e(bits: int) -> int:
    """floor(2**bits * e), by the sum of 1/n!."""
    term = total = 1 << (bits + _GUARD)
    divisor = 1
    while term:
        term //= divisor
        total += term
        divisor += 1
    return total >> _GUARD


def _arctan_of_inverse(number: int, bits: int) -> int:
    """2**bits * arctan(1/number), short by less than one unit for each of its terms."""
    power = total = (1 << bits) // number
    divisor = 1
    while power:
        power //= -number * number
        divisor += 2
        total += power // divisor
    return total


# Each of some 2000 terms of a series errs by less than one unit, so 64 bits more than asked for are plenty.
_GUARD: Final = 64

_Constant = Callable[[int], int]

# Name -> (bits b of the prime, constant, offset); the prime is
# 2^b - 2^(b-64) + (floor(2^(b-130) constant) + offset) 2^64 - 1.
_GROUPS: Final[dict[str, tuple[int, _Constant, int]]] = {
    # RFC 2409 sections 6.1 and 6.2
    "rfc2409-768": (768, _pi, 149686),
    "rfc2409-1024": (1024, _pi, 129093),
    # RFC 3526 sections 2 to 7
    "rfc3526-1536": (1536, _pi, 741804),
    "rfc3526-2048": (2048, _pi, 124476),
    "rfc3526-3072": (3072, _pi, 1690314),
    "rfc3526-4096": (4096, _pi, 240904),
    "rfc3526-6144": (6144, _pi, 929484),
    "rfc3526-8192": (8192, _pi, 4743158),
    # RFC 7919 appendix A
    "ffdhe2048": (2048, _e, 560316),
    "ffdhe3072": (3072, _e, 2625351),
    "ffdhe4096": (4096, _e, 5736041),
    "ffdhe6144": (6144, _e, 15705020),
    "ffdhe8192": (8192, _e, 10965728),
}
# No standard has a group as small as mod_ssl's own of httpd up to 2.4.6: a safe prime made by `openssl dhparam 512`.
_GENERATED_512: Final = int(
    "EC2ED559259057FA2985DF0EEA526927F437FDF49C2B0E547398E09A0BBCED7A"
    "F12DE20C1740922C4498366C70AD78AB65FF5FBC5E6A5C79B3AD9F094AB786CF",
    16,
)
# All of these groups have the generator 2.
_GENERATOR: Final = 2
# RFC 7468 section 2 asks for lines of 64 characters.
_PEM_WIDTH: Final = 64

DH_GROUPS: Final = ("generated-512", *_GROUPS)


@functools.cache
def dh_parameters(group: str) -> Blob:
    """The parameters of a group as PEM, for a file of their own or for the end of an SSLCertificateFile.

    What a server really uses depends on more than this block: httpd from 2.4.52 on silently prefers its own choice
    where OpenSSL's security level refuses the block (1024 bits at level 2, 512 bits at any; measured on httpd 2.4.71 /
    OpenSSL 3.0.22).

    Args:
        group: one of `DH_GROUPS`, as `"rfc2409-1024"`, `"rfc3526-2048"`, `"ffdhe2048"` or `"generated-512"`.

    Raises:
        PkiError: when there is no such group.
    """
    # PKCS #3 section 9, without the optional privateValueLength.
    encoded = base64.b64encode(_der.sequence(_der.integer(dh_prime(group)), _der.integer(_GENERATOR))).decode()
    lines = "\n".join(textwrap.wrap(encoded, _PEM_WIDTH))
    return Blob(f"-----BEGIN DH PARAMETERS-----\n{lines}\n-----END DH PARAMETERS-----\n".encode())


def dh_bits(parameters: Blob) -> int:
    """Bits of the prime in the first PEM block, which has to be one of DH parameters.

    Raises:
        PkiError: when there is no block, or it is something else.
    """
    try:
        return int.from_bytes(_der.content_of(_der.split(_der.content_of(parameters.der))[0]), "big").bit_length()
    except IndexError:
        raise PkiError(f"{parameters!r} is no block of DH parameters (PKCS #3 section 9).") from None


@functools.cache
def dh_prime(group: str) -> int:
    """The prime of a group, to compare with what a server sends; arguments and errors as for `dh_parameters`."""
    if group == "generated-512":
        return _GENERATED_512
    try:
        bits, constant, offset = _GROUPS[group]
    except KeyError:
        raise PkiError(f"There is no Diffie-Hellman group {group!r}; use one of {', '.join(DH_GROUPS)}.") from None
    return (1 << bits) - (1 << (bits - 64)) + ((constant(bits - 130) + offset) << 64) - 1
