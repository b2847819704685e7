"""Who vouches for whom: client CAs, chains, revocation lists, what a proxy trusts and shows."""

from __future__ import annotations

import functools
import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from OpenSSL import crypto

from pytest_modssl.pki import CA
from pytest_modssl.pki.leaf import certificate_pem
from pytest_modssl.pki.names import COMMON_NAME_LIMIT
from pytest_modssl.repo.making.pairs import carried, shown
from pytest_modssl.repo.making.plan import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_modssl.pki import LeafCert
    from pytest_modssl.repo.making.plan import Plan
    from pytest_modssl.repo.making.scopes import Scope, Use

# A certificate is looked for by the hash of its subject, a revocation list by that of its issuer; a number keeps those
# apart that have one hash (openssl-rehash(1)).
_CERTIFICATE_LINK: Final = "{:08x}.0"
_CRL_LINK: Final = "{:08x}.r0"
_CLIENT_CAS: Final = ("CA file", "CA folder")


@dataclass(frozen=True, slots=True)
class _Named:
    """A path of one kind: the first directive that names it, and the servers that read it."""

    use: Use
    readers: list[Scope]

    @property
    def verified(self) -> bool:
        """Whether some server that reads it verifies its clients."""
        return any(scope.verifies for scope in self.readers)


@dataclass(slots=True)
class Authorities:
    """The CAs that stand in for the repository's client CAs, by path of their file or folder."""

    clients: dict[str, CA] = field(default_factory=dict)
    _certificates: dict[str, LeafCert] = field(default_factory=dict)

    def of(self, path: str) -> CA:
        """The client CA of a path, made when it is first asked for."""
        if path not in self.clients:
            self.clients[path] = CA(common_name=_common_name(f"pytest-modssl client CA {posixpath.basename(path)}"))
        return self.clients[path]

    def of_server(self, scope: Scope) -> list[CA]:
        """The client CAs of these whose certificates a server accepts."""
        paths = dict.fromkeys(use.path for kind in _CLIENT_CAS for use in scope.paths(kind))
        return [self.clients[path] for path in paths if path in self.clients]

    def client_of(self, scope: Scope, common_name: str) -> LeafCert | None:
        """A client certificate that a server accepts; `None` where none of its CAs is one of these."""
        paths = (use.path for kind in _CLIENT_CAS for use in scope.paths(kind))
        path = next((one for one in paths if one in self.clients), None)
        if path is None:
            return None
        if path not in self._certificates:
            self._certificates[path] = self.clients[path].issue_client(_common_name(common_name))
        return self._certificates[path]


def make_authorities(plan: Plan, scopes: Sequence[Scope], leaves: Mapping[str, LeafCert]) -> Authorities:
    """Adds all that vouches to a plan, after the certificates and keys of its servers.

    Args:
        plan: where it is added.
        scopes: the servers.
        leaves: the new certificates by path.
    """
    authorities = Authorities()
    # Revocation lists and names are those of the client CAs, which are known by then.
    makers: dict[str, Callable[[Plan, _Named], None]] = {
        "CA file": functools.partial(_client_cas, authorities),
        "CA folder": functools.partial(_client_cas, authorities),
        "chain": functools.partial(_chain, leaves),
        "CA names file": functools.partial(_ca_names, authorities),
        "CA names folder": functools.partial(_ca_names, authorities),
        "CRL file": functools.partial(_client_crls, authorities),
        "CRL folder": functools.partial(_client_crls, authorities),
        "proxy CA file": _trusted_by_proxy,
        "proxy CA folder": _trusted_by_proxy,
        "proxy CRL file": _proxy_crls,
        "proxy CRL folder": _proxy_crls,
        "machine certificate": _machine_certificate,
        "machine folder": _machine_certificate,
        "machine chain": _machine_chain,
        "responder certificate": _responder,
        "CA trusted by mod_md": _root,
        "LDAP certificate": _root,
    }
    for kind, maker in makers.items():
        named: dict[str, _Named] = {}
        for scope in scopes:
            for use in scope.paths(kind):
                named.setdefault(use.path, _Named(use, [])).readers.append(scope)
        for one in named.values():
            maker(plan, one)
    return authorities


def subject_hash(ca: CA) -> int:
    """The hash by which OpenSSL looks for a CA in a folder (`openssl x509 -subject_hash`)."""
    return crypto.X509.from_cryptography(ca.certificate).subject_name_hash()


def _client_cas(authorities: Authorities, plan: Plan, one: _Named) -> None:
    """A client CA; where nobody is verified a CA file serves to complete the chains of servers (manual, mod_ssl)."""
    verified = one.verified
    if not verified and _is_there(plan, one.use):
        return
    if verified:
        ca = authorities.of(one.use.path)
        _vouch(plan, one.use, [ca], "CA of the client certificates of this run")
    if not _is_there(plan, one.use) and not all(scope.verifies for scope in one.readers):
        _vouch(plan, one.use, _upwards(plan.ca), "CA that the certificates of this run come from")


def _ca_names(authorities: Authorities, plan: Plan, one: _Named) -> None:
    if not _is_there(plan, one.use):
        asked = _made_for(authorities, one) or [plan.ca.root]
        _vouch(plan, one.use, asked, "names of the client CAs")


def _client_crls(authorities: Authorities, plan: Plan, one: _Named) -> None:
    asked = _made_for(authorities, one)
    if asked or not _is_there(plan, one.use):
        _revoke(plan, one.use, asked or _upwards(plan.ca))


def _chain(leaves: Mapping[str, LeafCert], plan: Plan, one: _Named) -> None:
    used = [use.path for scope in one.readers for use in scope.paths("certificate")]
    new = [leaves[path] for path in used if path in leaves]
    if one.use.path in used or (not new and _is_there(plan, one.use)):
        return
    upwards = plan.ca.chain or (plan.ca.certificate,)
    full = new[0].cert_pem.bytes() if new and "fullchain" in posixpath.basename(one.use.path) else b""
    what = "chain of the certificates of this run"
    if not new:
        what = "CA of this run, in place of the chain of a certificate that the repository holds"
    elif _is_there(plan, one.use):
        what = f"{what}, in place of that of the certificates as deployed"
    plan.append(one.use, full + certificate_pem(*upwards).bytes(), what)


def _trusted_by_proxy(plan: Plan, one: _Named) -> None:
    _vouch(plan, one.use, _upwards(plan.back_ends), "CA of the back ends of this run")


def _proxy_crls(plan: Plan, one: _Named) -> None:
    _revoke(plan, one.use, _upwards(plan.back_ends))


def _machine_certificate(plan: Plan, one: _Named) -> None:
    """Certificate and key in one; keys in PKCS #8 are not taken (manual, SSLProxyMachineCertificateFile)."""
    held = None if _is_folder(one.use) else plan.holdings.file(one.use.path)
    if (held is not None and held.has_key and held.has_certificate) or (
        _is_folder(one.use) and _is_there(plan, one.use)
    ):
        return
    names = carried(name for scope in one.readers for name in scope.names)[0]
    leaf = plan.back_ends.issue_client(_common_name((names or ["proxy"])[0]))
    key = replace(leaf.private_key, format="traditional")
    content = key.pem.bytes() + certificate_pem(leaf.certificate, *leaf.chain).bytes()
    path = f"{one.use.path}/proxy.pem" if _is_folder(one.use) else one.use.path
    if _is_folder(one.use):
        plan.add_folder(one.use, "folder of client certificates of the proxy")
    plan.add(one.use, content, "client certificate of the proxy, with its key (EC P-256)", mode=SECRET, path=path)


def _machine_chain(plan: Plan, one: _Named) -> None:
    if not _is_there(plan, one.use):
        content = certificate_pem(*(ca.certificate for ca in _upwards(plan.back_ends))).bytes()
        plan.append(one.use, content, "CA of the proxy's client certificate")


def _responder(plan: Plan, one: _Named) -> None:
    if not _is_there(plan, one.use):
        leaf = plan.ca.issue(common_name="OCSP responder", usages=("OCSPSigning",))
        plan.append(one.use, leaf.cert_pem.bytes(), "certificate of an OCSP responder, which nobody is")


def _root(plan: Plan, one: _Named) -> None:
    if not _is_there(plan, one.use):
        plan.append(one.use, plan.ca.root.cert_pem.bytes(), "root of the certificates of this run")


def _made_for(authorities: Authorities, one: _Named) -> list[CA]:
    return list(dict.fromkeys(ca for scope in one.readers for ca in authorities.of_server(scope)))


def _upwards(ca: CA) -> list[CA]:
    """A CA and the root above it."""
    return list(dict.fromkeys((ca, ca.root)))


def _vouch(plan: Plan, use: Use, authorities: Sequence[CA], what: str) -> None:
    links = {_CERTIFICATE_LINK.format(subject_hash(ca)): ca.cert_pem.bytes() for ca in authorities}
    _put(plan, use, links, what)


def _revoke(plan: Plan, use: Use, authorities: Sequence[CA]) -> None:
    links = {_CRL_LINK.format(subject_hash(ca)): ca.crl().bytes() for ca in authorities}
    names = shown([ca.certificate.subject.rfc4514_string() for ca in authorities])
    _put(plan, use, links, f"revocation list of {names}, which revokes nothing")


def _put(plan: Plan, use: Use, links: Mapping[str, bytes], what: str) -> None:
    """Each in a file of a folder, or all in one file, after what the repository holds."""
    if _is_folder(use):
        plan.add_folder(use, f"folder of {use.kind.removesuffix(' folder')}s")
        for name, content in links.items():
            plan.add(use, content, what, path=f"{use.path}/{name}")
        return
    held = plan.holdings.file(use.path)
    if held is not None and held.content and use.path not in plan.made:
        plan.append(use, held.content.rstrip() + b"\n", "what the repository holds")
    for content in links.values():
        plan.append(use, content, what)


def _common_name(text: str) -> str:
    """As much of a text as a common name holds; bytes that are no UTF-8 are question marks."""
    return text.encode("utf-8", "replace")[:COMMON_NAME_LIMIT].decode("utf-8", "ignore")


def _is_folder(use: Use) -> bool:
    return use.kind.endswith("folder")


def _is_there(plan: Plan, use: Use) -> bool:
    if _is_folder(use):
        return plan.holdings.has_folder(use.path)
    held = plan.holdings.file(use.path)
    return held is not None and bool(held.content.strip())
