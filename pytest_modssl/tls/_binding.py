"""What a test client needs and pyOpenSSL does not offer in public, taken from the binding it stands on.

pyOpenSSL (26.0 to 26.4) has no public call to choose groups or signature schemes, nor for post-handshake
authentication, but the binding of `cryptography` beneath it carries the OpenSSL functions. Only this module touches
that binding; where a release no longer carries a function, the option that needs it ends in a TlsError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from OpenSSL import _util

from pytest_modssl.errors import TlsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from OpenSSL import SSL

GROUPS = "SSL_CTX_set1_curves_list"
"""The older name of SSL_CTX_set1_groups_list (SSL_CTX_set1_curves(3)); in the binding of cryptography since 47."""


def set_groups(context: SSL.Context, names: Sequence[str]) -> None:
    """Make `context` offer these groups, by TLS registry name, in this order.

    Raises:
        TlsError: OpenSSL does not know one of them.
    """
    _set_list(context, GROUPS, "groups", names)


def set_signature_schemes(context: SSL.Context, names: Sequence[str]) -> None:
    """Make `context` offer these signature schemes, by TLS registry name, in this order.

    Raises:
        TlsError: OpenSSL does not know one of them.
    """
    _set_list(context, "SSL_CTX_set1_sigalgs_list", "signature_schemes", names)


def allow_post_handshake_authentication(context: SSL.Context) -> None:
    """Make `context` offer the post_handshake_auth extension (RFC 8446 section 4.2.6)."""
    _function("post_handshake_auth", "SSL_CTX_set_post_handshake_auth")(_pointer(context), 1)


def _set_list(context: SSL.Context, function: str, option: str, names: Sequence[str]) -> None:
    if _function(option, function)(_pointer(context), ":".join(names).encode()) != 1:
        _util.lib.ERR_clear_error()  # a stale entry would be taken for the error of a later call
        raise TlsError(
            f"{option}={tuple(names)!r}: the OpenSSL inside `cryptography` does not know at least one of these names. "
            "Give names of the IANA TLS registry that it implements, or send a raw hello with probe()."
        )


def _function(option: str, name: str) -> Callable[..., int]:
    function: Callable[..., int] | None = getattr(_util.lib, name, None)
    if function is None:
        raise TlsError(
            f"The option {option} needs OpenSSL's {name}, which the installed `cryptography` does not carry. Leave the "
            "option out, or install `cryptography` 47 or later."
        )
    return function


def _pointer(context: SSL.Context) -> Any:
    return context._context  # noqa: SLF001 - the one way from pyOpenSSL's object to OpenSSL's
