"""What must not be readable by whoever listens on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import require
from pytest_modssl.capture import leaks_in
from pytest_modssl.errors import Mismatch

if TYPE_CHECKING:
    from pytest_modssl.targets.server import Server


def assert_never_on_wire(server: Server, *secrets: str | bytes) -> None:
    """None of the secrets can be read in what was captured in this test, in either direction.

    Ask for the page inside `with server.capture():`, then call this. A secret is found as it is, URL-encoded, as in
    JSON, and in base64 whatever stands around it: so is a password in `Authorization: Basic`. It stands in no message.

    Args:
        server: the server whose connections were captured.
        secrets: each of 4 bytes at least; shorter ones are in ciphertext by chance.

    Raises:
        ModsslAssertionError: with every place where one was found; also where nothing was captured.
        ValueError: a secret is too short, or there is none.
    """
    __tracebackhide__ = True
    if not secrets:
        raise ValueError("assert_never_on_wire needs at least one secret")
    streams = server.captured
    found = [leak for secret in secrets for leak in leaks_in(streams, secret)]
    for leak in found:
        server.note(leak)
    mismatches = [Mismatch("on the wire", "no trace of the secret", str(leak)) for leak in found]
    if not all(any(getattr(one, way) for one in streams) for way in ("sent", "received")):
        wanted = "bytes of both directions, from inside `with server.capture():`"
        mismatches.append(Mismatch("capture", wanted, f"{len(streams)} connections without them"))
    require(server, "what can be read on the wire", mismatches, seen=streams)
