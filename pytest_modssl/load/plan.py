"""What a load may be: how much of it at the most, and against whom."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_modssl.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MOST: dict[str, float] = {"connections": 20_000, "seconds": 60, "workers": 64, "requests": 1_000, "timeout": 30}
"""The hard upper bounds: a load is for a test, and ends. A worker is a thread of this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A load as it was asked for, within its bounds.

    Args:
        address: host and port to connect to.
        url: of the page to ask for; its scheme says whether TLS is spoken, its host is the name to send.
        connections: how many to make at the most, over all workers.
        seconds: after which no further connection is begun.
        workers: how many connections there are at a time.
        requests: GETs on each connection; none ends it after the handshake.
        resume: whether each worker takes up the session of its last connection.
        timeout: seconds for each step of a connection.
        options: further ones of `tls.connect`.

    Raises:
        LoadError: for what is out of bounds.
    """

    address: tuple[str, int]
    url: str
    connections: int
    seconds: float
    workers: int
    requests: int
    resume: bool
    timeout: float
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value = getattr(self, name)
            if not (0 <= value <= most if name == "requests" else 0 < value <= most):
                least = "0" if name == "requests" else "more than 0"
                raise LoadError(f"{name}={value!r}: a load has {least} and at most {most:,g}")
        if "session" in self.options:
            raise LoadError("session=: a load makes its own sessions; resume= says whether they are taken up")
        if self.scheme not in ("https", "http") or not self.host:
            raise LoadError(f"{self.url!r} is no URL to put a load on: give https://NAME/PATH, or http://NAME/PATH")
        if self.scheme == "http" and not self.requests:
            raise LoadError(f"requests=0 on {self.url}: without TLS there is no handshake, so ask for a page at least")

    @property
    def scheme(self) -> str:
        """That of the URL: "https" or "http"."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """The name of the URL, without its port."""
        return urlsplit(self.url).hostname or ""

    @property
    def request_head(self) -> str:
        """Request line and `Host`, with the port where it is not the scheme's own."""
        parts = urlsplit(self.url)
        path = f"{parts.path or '/'}{parts.query and f'?{parts.query}'}"
        return f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"


def url_of(scheme: str, name: str, port: int) -> str:
    """The URL of a host's first page, with the port where it is not the scheme's own."""
    own = {"https": 443, "http": 80}[scheme]
    return f"{scheme}://{name}/" if port == own else f"{scheme}://{name}:{port}/"


def refuse_strangers(address: tuple[str, int], ours: Collection[tuple[str, int]]) -> None:
    """Returns when a load may go to an address: a loopback address, or that of a server of ours.

    Names are not looked up: what a name stands for can change between the look and the load.

    Raises:
        LoadError: for every other one.
    """
    if address in ours:
        return
    try:
        loopback = ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise LoadError(
            f"no load is put on {address[0]}:{address[1]}: that is neither a loopback address (127.0.0.1, ::1) nor a "
            "server that this run has started. Call load() of a server"
        )
