"""A virtual host of a repository, as httpd itself tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_modssl.httpd.snippet import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoHost:
    """A virtual host of a repository's configuration.

    Attributes:
        name: ServerName, or the name that httpd took in its place.
        port: in the URLs of its clients, as configured.
        reached: the port of the server that it is at; see `repo.listening`.
        names: all names that reach it, its own first; wildcards (`*.example.com`) as written, IDN as A-labels.
        tls: whether it speaks TLS.
        default: whether it answers for unknown names at its port.
        origin: where `<VirtualHost>` stands in the repository.
        settings: equal for hosts whose effective TLS settings are equal, certificates apart: at one port
            a scan serves all.
        demands_certificate: whether a handshake without a client certificate fails (`SSLVerifyClient require`).
    """

    name: str
    port: int
    reached: int
    names: tuple[str, ...]
    tls: bool
    default: bool
    origin: Origin
    settings: str
    demands_certificate: bool

    @property
    def key(self) -> str:
        """What `Evidence` knows it by: name, and port of the server."""
        return f"{self.name}:{self.reached}"

    @property
    def url(self) -> str:
        """The address of its first page: "https://www.example.com/", with a port where it is not the scheme's."""
        return self.url_of(self.name)

    def url_of(self, name: str) -> str:
        """The same by another of its names."""
        scheme, usual = ("https", 443) if self.tls else ("http", 80)
        return f"{scheme}://{name}{'' if self.port == usual else f':{self.port}'}/"


class Seen(NamedTuple):
    """What has been seen of a virtual host in a run.

    Attributes:
        file: the configuration, as tests are named by it.
        host: name and port, likewise.
        target: name of the target.
        protocols: that it accepts; empty where nobody looked.
        policy: name of the policy that it is held against; empty for none.
        ends: when its certificate ends, in seconds since 1970; `None` where that is not known, or means nothing as the
            certificate was made for the run.
    """

    file: str
    host: str
    target: str
    protocols: tuple[str, ...]
    policy: str
    ends: float | None
