"""Whether `Listen` and `<VirtualHost>` go together, by their addresses alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What stands for every address in Listen and in <VirtualHost> (manual, mpm_common and core).
_EVERY = ("", "*", "0.0.0.0", "[::]", "_default_")  # noqa: S104 - compared, not bound


def hosts_without_listen(listens: Sequence[str], hosts: Sequence[str]) -> list[str]:
    """The addresses of virtual hosts that no Listen opens.

    Args:
        listens: "443", "127.0.0.1:443", "[::]:443".
        hosts: "*:443", "127.0.0.1:443", "*:*", "192.0.2.1" (every port).
    """
    return [host for host in hosts if not any(_meet(listen, host) for listen in listens)]


def listens_without_host(listens: Sequence[str], hosts: Sequence[str]) -> list[str]:
    """The addresses of Listen at which no virtual host answers, where there are virtual hosts at all."""
    return [listen for listen in listens if hosts and not any(_meet(listen, host) for host in hosts)]


def _meet(listen: str, host: str) -> bool:
    address, _, port = listen.rpartition(":")
    named, wanted = _host(host)
    return wanted in (port, "*") and (address == named or address in _EVERY or named in _EVERY)


def _host(text: str) -> tuple[str, str]:
    """Address and port of a virtual host; without a port it is that of every Listen."""
    address, colon, port = text.rpartition(":")
    return (address, port) if colon and not port.endswith("]") else (text, "*")
