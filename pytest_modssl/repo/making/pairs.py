"""Certificates and keys: which belong together by httpd's rules, and new ones where a half is missing.

httpd takes the n-th key for the n-th certificate of a server, or looks for it in the certificate's own file where there
is none; a virtual host has its own files and those of the main server that are further down its list (httpd 2.4,
modules/ssl, ssl_engine_config.c and ssl_engine_init.c).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from pytest_modssl.certificates import UNREADABLE
from pytest_modssl.errors import PkiError
from pytest_modssl.pki import KEY_TYPES, LeafCert, PrivateKey
from pytest_modssl.pki.certificate import Issuer, certify, profile_of
from pytest_modssl.pki.keys import key_type_of
from pytest_modssl.pki.names import server_name
from pytest_modssl.repo.making.key_types import chosen, family, told_by_names
from pytest_modssl.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_modssl.pki import CA
    from pytest_modssl.repo.making.held import Held
    from pytest_modssl.repo.making.plan import Plan
    from pytest_modssl.repo.making.scopes import Scope, Use

# Directives whose certificates and keys are counted together, and what the parts are called.
_FAMILIES: Final = (
    ({"sslcertificatefile", "sslcertificatekeyfile"}, "certificate", "key"),
    ({"sslopensslconfcmd"}, "certificate", "key"),
    ({"tlscertificate"}, "certificate", "key"),
    ({"mdcertificatefile", "mdcertificatekeyfile"}, "MD certificate", "MD key"),
)
# Names of files that have the chain after the certificate, and of those that have not: certbot's, acme.sh's, lego's.
_WITH_CHAIN: Final = re.compile(r"full.?chain|chained|bundle|combined", re.IGNORECASE)
_ALONE: Final = re.compile(r"(?:^|/)cert\d*\.pem$|leaf", re.IGNORECASE)
_SHOWN_NAMES: Final = 3
_SIZED_KEYS: Final = (("ec", ec.EllipticCurvePublicKey), ("rsa", rsa.RSAPublicKey), ("dsa", dsa.DSAPublicKey))


@dataclass(frozen=True, slots=True)
class _Slot:
    """One certificate of one server, its position among those of that server, and its key."""

    scope: Scope
    position: int
    certificate: Use
    key: Use


@dataclass(slots=True)
class _Group:
    """Certificates that have a key in common, with all paths of it."""

    slots: list[_Slot] = field(default_factory=list)

    @property
    def certificates(self) -> dict[str, list[_Slot]]:
        found: dict[str, list[_Slot]] = defaultdict(list)
        for slot in self.slots:
            found[slot.certificate.path].append(slot)
        return found

    @property
    def keys(self) -> dict[str, Use]:
        return {slot.key.path: slot.key for slot in reversed(self.slots)}


def make_pairs(plan: Plan, scopes: Sequence[Scope]) -> dict[str, LeafCert]:
    """Adds the missing certificates and keys to a plan; gives the new certificates by path."""
    made: dict[str, LeafCert] = {}
    slots = {id(scope): list(_slots(scope)) for scope in scopes}
    keys: dict[str, PrivateKey] = {}
    for group in _groups([slot for scope in scopes for slot in slots[id(scope)]]):
        made |= _complete(plan, group, slots, keys)
    paired = {path for scope in scopes for slot in slots[id(scope)] for path in (slot.certificate.path, slot.key.path)}
    for use in (use for scope in scopes for kind in ("key", "MD key") for use in scope.named(kind)):
        if use.path not in paired and plan.holdings.file(use.path) is None and use.path not in plan.made:
            plan.add(use, _key(plan.ca, keys, "ec-p256").pem.bytes(), "private key that no certificate is named for")
    return made


def carried(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The names that a public CA's certificate can have, and those that it cannot."""
    good: list[str] = []
    odd: list[str] = []
    for name in names:
        try:
            server_name(name)
            # A wildcard is the whole leftmost label (RFC 9525 section 6.3).
            fit = "*" not in name.removeprefix("*.")
        except (PkiError, ValueError):
            fit = False
        (good if fit else odd).append(name)
    return good, odd


def shown(names: Sequence[str]) -> str:
    """The first few of some names, and how many there are beside them."""
    return listed(names, _SHOWN_NAMES) or "no names"


def described(key: PrivateKey) -> str:
    """The type of a key as people write it: "EC P-256", "RSA 2048", "Ed25519"."""
    kind, _, size = key_type_of(key.signing_key).partition("-")
    return f"EC P-{size[1:]}" if kind == "ec" else f"{kind.upper()} {size}" if size else kind.capitalize()


def _slots(scope: Scope) -> Iterator[_Slot]:
    for directives, certificate, key in _FAMILIES:
        certificates = _merged(scope, directives, certificate)
        keys = _merged(scope, directives, key)
        for position, use in enumerate(certificates):
            yield _Slot(scope, position, use, keys[position] if position < len(keys) else use)


def _merged(scope: Scope, directives: set[str], kind: str) -> list[Use]:
    own, base = (
        [use for use in one.named(kind) if use.directive.name.lower() in directives] if one else []
        for one in (scope, scope.main)
    )
    return own + base[len(own) :]


def _groups(slots: Sequence[_Slot]) -> Iterator[_Group]:
    """Slots that share a path, directly or by way of others, in order of their first."""
    leader: dict[str, str] = {}

    def find(path: str) -> str:
        while (above := leader.setdefault(path, path)) != path:
            leader[path] = leader[above]
            path = above
        return path

    for slot in slots:
        leader[find(slot.key.path)] = find(slot.certificate.path)
    groups: dict[str, _Group] = {}
    for slot in slots:
        groups.setdefault(find(slot.certificate.path), _Group()).slots.append(slot)
    yield from groups.values()


def _complete(
    plan: Plan, group: _Group, slots: dict[int, list[_Slot]], keys: dict[str, PrivateKey]
) -> dict[str, LeafCert]:
    held = plan.holdings.file
    certificates, key_paths = group.certificates, group.keys
    held_certificates = {path: one for path in certificates if (one := held(path)) is not None and one.has_certificate}
    held_keys = {path: one for path in key_paths if (one := held(path)) is not None and one.has_key}
    shut = any(one.is_encrypted and one.key is None for one in held_keys.values()) and not plan.asks_phrase
    whole = len(held_certificates) == len(certificates) and len(held_keys) == len(key_paths)
    if whole and not shut:
        return {}
    usable = next((one.key for one in held_keys.values() if one.key is not None), None)
    key = usable or _key(plan.ca, keys, _key_type(group, slots, held_certificates))
    leaves: dict[str, LeafCert] = {}
    for path, users in certificates.items():
        before = held_certificates.get(path)
        if before is not None and usable is not None:
            continue
        leaf, what = _certificate(plan.ca, key, users, before)
        leaves[path] = leaf
        chain = leaf if _has_chain(plan, path, users, before) else leaf.without_chain()
        content = chain.cert_file_pem.bytes()
        if path in key_paths:
            content = key.pem.bytes() + content
            what = f"private key and {what}"
        plan.add(users[0].certificate, content, what, mode=0o600 if path in key_paths else 0o644)
    for path, use in key_paths.items():
        if path in leaves or (usable is not None and path in held_keys):
            continue
        named = next(iter(leaves.values()), None)
        about = f" for {shown(named.names)}" if named is not None and named.names else ""
        note = _why(plan, path, held_keys.get(path))
        plan.add(use, key.plain().pem.bytes(), f"private key{about} ({described(key)}{note})", mode=0o600)
    return leaves


def _certificate(ca: CA, key: PrivateKey, users: Sequence[_Slot], before: Held | None) -> tuple[LeafCert, str]:
    """A certificate for the servers that use it, or for what the one that it stands for says."""
    old = before.certificate if before is not None else None
    if old is not None:
        try:
            leaf, signed = _again(ca, key, old)
        except (PkiError, ValueError):
            # Not all that is called a certificate can be read (a version 1 of old, extensions that are none).
            pass
        else:
            return leaf, f"certificate re-issued for {shown(leaf.names)} ({described(key)}{signed})"
    serving = [slot.scope for slot in users if slot.scope.tls] or [slot.scope for slot in users]
    good, odd = carried(dict.fromkeys(name for scope in serving for name in scope.names))
    without = f"; without {shown(odd)}, which no certificate carries" if odd else ""
    if not good:
        leaf = ca.issue(common_name="host without a name", key=key)
        return leaf, f"certificate without names, as its host has none ({described(key)}{without})"
    return ca.issue(*good, key=key), f"certificate for {shown(good)} ({described(key)}{without})"


def _again(ca: CA, key: PrivateKey, old: x509.Certificate) -> tuple[LeafCert, str]:
    if old.subject != old.issuer:
        return ca.reissue(old, key), ""
    issuer = Issuer.of(old.subject, key.signing_key)
    certificate = certify(profile_of(old), key.signing_key.public_key(), issuer)
    return LeafCert(private_key=key, certificate=certificate), ", self-signed as the one it stands for"


def _key_type(group: _Group, slots: dict[int, list[_Slot]], held_certificates: dict[str, Held]) -> str:
    for one in held_certificates.values():
        if one.certificate is not None and (known := _known_type(one.certificate)) is not None:
            return known
    told = next(filter(None, (_told(slot) for slot in group.slots)), None)
    if told is not None:
        return told
    # Some host of the group may need RSA: clients of the others can do with it.
    found: list[str] = []
    for slot in group.slots:
        siblings = [one for one in slots[id(slot.scope)] if one.certificate.kind == slot.certificate.kind]
        found.append(chosen(slot.position, [_told(one) for one in siblings], _suites(slot.scope)))
    return next((one for one in found if family(one) == "rsa"), found[0])


def _told(slot: _Slot) -> str | None:
    return told_by_names((slot.certificate.path, slot.key.path), slot.scope.names)


def _suites(scope: Scope) -> str | None:
    """SSLCipherSuite for TLS up to 1.2; with two words the first names the protocol (manual, SSLCipherSuite)."""
    told = [words for one in scope.effective("sslciphersuite") if (words := one.words)]
    lists = [words[-1] for words in told if len(words) == 1 or words[0].upper() == "SSL"]
    return lists[-1] if lists else None


def _known_type(certificate: x509.Certificate) -> str | None:
    """The type of a certificate's key, or the nearest that is made here; `None` for kinds that are not."""
    try:
        public_key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if not isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | dsa.DSAPublicKey):
        return None
    size = public_key.key_size
    ours = [one for one in KEY_TYPES if family(one) == _family_of(public_key)]
    return min(ours, key=lambda one: abs(int(one.rpartition("-")[2].removeprefix("p")) - size))


def _family_of(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | dsa.DSAPublicKey) -> str:
    return next(name for name, kind in _SIZED_KEYS if isinstance(key, kind))


def _key(ca: CA, keys: dict[str, PrivateKey], key_type: str) -> PrivateKey:
    """A new key of an elliptic curve; one RSA or DSA key for all, as these are dear to make."""
    if family(key_type) not in ("rsa", "dsa"):
        return ca.keys.take(key_type)
    if key_type not in keys:
        keys[key_type] = ca.keys.take(key_type)
    return keys[key_type]


def _has_chain(plan: Plan, path: str, users: Sequence[_Slot], before: Held | None) -> bool:
    """Whether the chain follows a certificate: as in the file that it stands for, else as names of files tell.

    One that is alone in its file may have been issued by a root. It was not where it names its responder or issuer, as
    those of public CAs do (RFC 5280 section 4.2.2.1), whose roots issue none for servers. One whose issuer is in
    SSLCACertificateFile has its chain from there: it is a root, or httpd sends it (manual).
    """
    if before is not None and len(before.certificates) > 1:
        return True
    if before is not None and any(map(_names_issuer, before.certificates)):
        scopes = {id(slot.scope): slot.scope for slot in users}.values()
        named = [plan.holdings.file(use.path) for scope in scopes for use in scope.paths("CA file")]
        known = [one.subject for file in named if file is not None for one in file.certificates]
        return any(one.issuer in known for one in before.certificates)
    if _WITH_CHAIN.search(path):
        return True
    return not _ALONE.search(path) and not all(slot.scope.effective("sslcertificatechainfile") for slot in users)


def _names_issuer(certificate: x509.Certificate) -> bool:
    try:
        certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
    return True


def _why(plan: Plan, path: str, held: Held | None) -> str:
    if plan.holdings.is_sealed(path):
        return "; in place of one that is sealed in the repository"
    if held is not None and held.is_encrypted:
        return "; in place of an encrypted one whose pass phrase is not known"
    return ""
