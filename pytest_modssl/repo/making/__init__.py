"""What a repository rightly does not hold, made for a run: certificates and keys, password files, pages, folders.

Pure functions of the directives in effect and of what is there already: nothing is written, no server is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.made import without_clashes
from pytest_modssl.repo.making.authorities import make_authorities
from pytest_modssl.repo.making.content import make_content
from pytest_modssl.repo.making.held import Holdings
from pytest_modssl.repo.making.logins import make_logins, required
from pytest_modssl.repo.making.managed import make_managed
from pytest_modssl.repo.making.pairs import make_pairs
from pytest_modssl.repo.making.plan import Plan
from pytest_modssl.repo.making.scopes import scopes as scopes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_modssl.httpd.dumps import DumpedDirective, DumpedHost
    from pytest_modssl.pki import CA, LeafCert
    from pytest_modssl.repo.made import Made, Substitution

__all__ = ["Making", "make"]

_CLIENT = "pytest-modssl client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What was made for one configuration.

    Attributes:
        made: files and folders; the folders above a file are not listed.
        left_out: what is named and could not be made.
        trust: PEM of the roots that clients have to trust.
        logins: the password of each user in the made password files and SRP verifiers.
        clients: client certificates by the place of `<VirtualHost>` (`None` for the main server) and the host's names.
    """

    made: tuple[Made, ...]
    left_out: tuple[Substitution, ...]
    trust: tuple[bytes, ...]
    logins: Mapping[str, str] = field(repr=False)
    clients: Mapping[tuple[Origin | None, str], LeafCert]

    @property
    def client(self) -> LeafCert | None:
        """The first client certificate; that of every host where all have one file of CAs."""
        return next(iter(self.clients.values()), None)

    def client_for(self, origin: Origin | None, name: str) -> LeafCert | None:
        """A certificate that a host's clients can show; `None` where it asks for none, or from a CA that is not ours.

        Args:
            origin: where `<VirtualHost>` stands; several hosts of one macro stand at one place.
            name: one of the host's names.
        """
        return self.clients.get((origin, name.lower()))


def make(
    directives: Sequence[DumpedDirective],
    hosts: Sequence[DumpedHost] = (),
    *,
    has: Callable[[str], bytes | None],
    has_folder: Callable[[str], bool],
    ca: CA,
    server_root: str,
    back_ends: CA | None = None,
    locate: Callable[[DumpedDirective], Origin | None] | None = None,
    pass_phrase: str | None = None,
    unnamed: str = "",
) -> Making:
    """All that a configuration names and nobody has.

    A certificate gets the names of every virtual host that uses it. A pair of certificate and key that is there whole
    is left alone; a certificate without its key is issued again for a new one, and a key without certificate gets one.
    Where a client CA or the CA of back ends is there, whose key nobody has, ours is added to its file.

    Any part of a configuration will do, such as the directives of a file that httpd cannot read yet.

    Args:
        directives: those in effect, in order, all paths being deployment paths.
        hosts: what httpd calls its virtual hosts, at the places of `directives`; those without a ServerName need it.
        has: the content of the file at a deployment path, of the repository or the machine; `None` where there is none.
        has_folder: whether a folder is there, likewise.
        ca: who issues the certificates of the servers.
        server_root: ServerRoot, as a deployment path.
        back_ends: who issues those of the servers behind a proxy; `ca` by default.
        locate: the place of a directive in the repository; by default the file and line that it tells.
        pass_phrase: what opens the encrypted keys of the repository, where it is known.
        unnamed: what a server is called for which nothing says a name; empty where it has none.
    """
    scopes = scopes_of(directives, hosts, server_root=server_root, unnamed=unnamed)
    holdings = Holdings(has, has_folder, pass_phrase)
    programs = [use for scope in scopes for use in scope.named("pass phrase program")]
    plan = Plan(
        holdings=holdings,
        ca=ca,
        back_ends=back_ends or ca,
        locate=locate or _place,
        asks_phrase=any(holdings.file(use.path) is not None for use in programs),
    )
    leaves = make_pairs(plan, scopes)
    make_managed(plan, scopes, server_root=server_root)
    authorities = make_authorities(plan, scopes, leaves)
    logins = make_logins(plan, scopes)
    make_content(plan, scopes)
    clients: dict[tuple[Origin | None, str], LeafCert] = {}
    for scope in (one for one in scopes if one.verifies):
        # What SSLUserName makes of it is a user that the configuration may ask for.
        leaf = authorities.client_of(scope, (required(scope, "user") or [_CLIENT])[0])
        if leaf is not None:
            place = None if scope.section is None else plan.locate(scope.section)
            clients |= {(place, name): leaf for name in scope.names}
    return Making(
        made=without_clashes(plan.made.values()),
        left_out=tuple(plan.left_out),
        trust=(ca.root.cert_pem.bytes(),),
        logins=logins,
        clients=clients,
    )


def _place(directive: DumpedDirective) -> Origin:
    return Origin(directive.file, directive.line)
