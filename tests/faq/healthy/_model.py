"""What a healthy server is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
OTHER = "shop.example.test"


def look(server: Server) -> None:
    """Every host by a handshake and a request, as most tests look."""
    for host in server.config.virtual_hosts:
        if host.certificates:
            server.handshake(host.name, port=host.port)
        scheme = "https" if host.certificates else "http"
        server.session().request("GET", f"{scheme}://{host.name}:{host.port}/", verify=False, allow_redirects=False)


@dataclass(frozen=True)
class Healthy:
    """A configuration with which nothing is wrong."""

    name: str
    config: Callable[[Scene], ServerConfig]
    look: Callable[[Server], object] = look


def over_tls(directives: str = "", *, server: str = "", key_type: str = "ec-p256") -> Callable[[Scene], ServerConfig]:
    """One host over TLS, with directives of its own and of the server."""
    return lambda scene: ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME, key_type=key_type), directives=directives), directives=server
    )
