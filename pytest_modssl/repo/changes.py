"""In what clients see two servers differ, in words: pure functions of what was seen of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_modssl.repo.seen import Certificate, SeenHost

    Comparison = Callable[["_Pair"], Iterator["_Told"]]

SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "host": (),
    "names": ("ServerName", "ServerAlias"),
    "tls": ("SSLEngine",),
    "handshake": ("SSLCertificateFile", "SSLProtocol", "SSLCipherSuite", "SSLVerifyClient"),
    "client": ("SSLVerifyClient", "SSLCACertificateFile", "SSLCADNRequestFile"),
    "certificate": ("SSLCertificateFile", "SSLCertificateChainFile", "ServerAlias", "ServerName"),
    "protocol": ("SSLProtocol", "SSLCipherSuite", "SSLOpenSSLConfCmd"),
    "answer": (
        "Redirect",
        "RedirectMatch",
        "RewriteRule",
        "RewriteCond",
        "ProxyPass",
        "ProxyPassMatch",
        "DocumentRoot",
    ),
    "unknown": ("Redirect", "RedirectMatch", "RewriteRule", "SSLStrictSNIVHostCheck", "ServerName"),
    "plain": ("SSLEngine", "ErrorDocument"),
    "header": ("Header", "ServerTokens"),
    "suite": ("SSLCipherSuite", "SSLHonorCipherOrder", "SSLOpenSSLConfCmd"),
    "group": ("SSLOpenSSLConfCmd",),
    "compression": ("SSLCompression",),
    "alpn": ("Protocols", "ProtocolsHonorOrder"),
}
"""What a change is about, the most important first, with the directives that may bring it about."""

_RANK: Final = {subject: number for number, subject in enumerate(SUBJECTS)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that clients see otherwise.

    Attributes:
        subject: what it is about, one of `SUBJECTS`.
        text: in words.
        host: key of the virtual host; `None` where there is none any more.
        before: the same of the base; `None` where it has none.
        word: what must be among the arguments of a directive that brings it about; empty for anything.
    """

    subject: str
    text: str
    host: str | None
    before: str | None
    word: str = ""

    @property
    def rank(self) -> int:
        """Its importance: 0 is the greatest."""
        return _RANK[self.subject]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A virtual host before and after, and where names lead after."""

    before: SeenHost
    after: SeenHost
    leads: Mapping[tuple[str, int], str]


_Told = tuple[str, str, str]
"""Subject, text and word of a change."""


def changes(before: Mapping[str, SeenHost], after: Mapping[str, SeenHost]) -> tuple[Change, ...]:
    """In what two servers differ, host by host in the order of the second, the most important of each first.

    A host with another ServerName than before is known by the names that it kept.

    Args:
        before: the base, as `seen.look` gives it.
        after: what is looked at.
    """
    pairs = {key: key for key in after if key in before}
    lost = {key: one for key, one in before.items() if key not in after}
    for key, one in after.items():
        if key not in pairs:
            renamed = next((old for old, other in lost.items() if _same(other, one)), None)
            if renamed is not None:
                pairs[key] = renamed
                del lost[renamed]
    leads = {(name.lower(), one.port): key for key, one in after.items() for name in one.names}
    found: list[Change] = []
    for key, one in after.items():
        if key not in pairs:
            found.append(Change("host", f"new virtual host: {_shown(one)}", key, None))
            continue
        pair = _Pair(before[pairs[key]], one, leads)
        told = sorted((line for compare in _COMPARISONS for line in compare(pair)), key=lambda line: _RANK[line[0]])
        found += [Change(subject, text, key, pairs[key], word) for subject, text, word in told]
    for key, one in lost.items():
        found.append(Change("host", f"no virtual host any more: {_gone(one, leads)}", None, key))
    return tuple(found)


def _same(before: SeenHost, after: SeenHost) -> bool:
    return before.port == after.port and not {*before.names}.isdisjoint(after.names)


def _shown(host: SeenHost) -> str:
    names = f" ({', '.join(host.names[1:])})" if len(host.names) > 1 else ""
    return f"{host.url}{names} answers {host.page}" if host.page.status else f"{host.url}{names}: {host.page}"


def _gone(host: SeenHost, leads: Mapping[tuple[str, int], str]) -> str:
    took = {leads[name.lower(), host.port]: None for name in host.names if (name.lower(), host.port) in leads}
    return f"{host.url}{' (' + ', '.join(took) + ' has its names now)' if took else ''}"


def _names(pair: _Pair) -> Iterator[_Told]:
    before, after = pair.before, pair.after
    if before.key != after.key and before.names[:1] != after.names[:1]:
        yield "names", f"it is {after.key} now, was {before.key}", ""
    for name in _without(after.names, before.names):
        yield "names", f"new name {name}", name
    for name in _without(before.names, after.names):
        other = pair.leads.get((name.lower(), after.port))
        yield "names", f"lost name {name}{f', which {other} has now' if other else ''}", name


def _tls(pair: _Pair) -> Iterator[_Told]:
    if pair.before.tls is not pair.after.tls:
        words = ("plain HTTP", "TLS")
        yield "tls", f"it speaks {words[pair.after.tls]} now, spoke {words[pair.before.tls]}", ""


def _handshake(pair: _Pair) -> Iterator[_Told]:
    if not (pair.before.tls and pair.after.tls) or pair.before.failure == pair.after.failure:
        return
    if pair.after.failure:
        yield "handshake", f"the handshake fails now: {pair.after.failure}", ""
    else:
        yield "handshake", f"the handshake succeeds now, failed before: {pair.before.failure}", ""


def _client(pair: _Pair) -> Iterator[_Told]:
    before, after = pair.before, pair.after
    if not _both_shaken(pair):
        return
    if before.client != after.client:
        yield "client", f"a client certificate is {after.client} now, was {before.client}", ""
    elif before.client_cas != after.client_cas:
        yield from _lists("client", "client certificates of {} are asked for", before.client_cas, after.client_cas)


def _certificate(pair: _Pair) -> Iterator[_Told]:
    if not _both_shaken(pair):
        return
    before, after = pair.before.certificates, pair.after.certificates
    if len(before) == len(after) == 1:
        yield from _one_certificate(before[0], after[0])
    elif before != after:
        words = [", ".join(map(str, one)) or "none" for one in (after, before)]
        yield "certificate", f"certificates: {words[0]}; before: {words[1]}", ""
    if pair.before.chain != pair.after.chain:
        yield "certificate", f"its chain has {pair.after.chain} certificate(s) now, had {pair.before.chain}", ""


def _one_certificate(before: Certificate, after: Certificate) -> Iterator[_Told]:
    gained, lost = _without(after.names, before.names), _without(before.names, after.names)
    if gained:
        yield "certificate", f"its certificate is for {', '.join(gained)} too now", ""
    if lost:
        yield "certificate", f"its certificate is not for {', '.join(lost)} any more", ""
    if before.key != after.key:
        yield "certificate", f"the key of its certificate is {after.key} now, was {before.key}", ""


def _protocols(pair: _Pair) -> Iterator[_Told]:
    before, after = pair.before.accepted, pair.after.accepted
    if not (pair.before.tls and pair.after.tls):
        return
    if before.error or after.error:
        if before.error != after.error:
            yield "protocol", f"a scan says: {after.error or 'TLS again'}; before: {before.error or 'TLS'}", ""
        return
    for protocol in _without(after.suites, before.suites):
        yield "protocol", f"{protocol} is accepted now, with {', '.join(after.suites[protocol])}", ""
    for protocol in _without(before.suites, after.suites):
        yield "protocol", f"{protocol} is refused now", ""
    for protocol in (one for one in after.suites if one in before.suites):
        yield from _suites(pair, protocol)
        yield from _lists("group", f"{protocol}: {{}}", before.groups.get(protocol, ()), after.groups.get(protocol, ()))
    if before.dh_bits != after.dh_bits and before.dh_bits and after.dh_bits:
        yield "suite", f"DHE has {after.dh_bits} bits now, had {before.dh_bits}", ""
    if before.compression != after.compression and before.compression and after.compression:
        yield "compression", f"compression: {after.compression} now, was {before.compression}", ""


def _suites(pair: _Pair, protocol: str) -> Iterator[_Told]:
    before, after = pair.before.accepted, pair.after.accepted
    old, new = before.suites[protocol], after.suites[protocol]
    kept = [one for one in new if one in old]
    yield from _sets("suite", f"{protocol}: {{}}", old, new)
    orders = [one.server_order.get(protocol) for one in (before, after)]
    if len(kept) > 1 and orders[0] is not orders[1] and None not in orders:
        who = ("client", "server")
        yield (
            "suite",
            f"{protocol}: the order of the {who[bool(orders[1])]} decides now, was the {who[bool(orders[0])]}'s",
            "",
        )
    elif orders[1] is True and kept != [one for one in old if one in new]:
        yield "suite", f"{protocol}: the order is {', '.join(kept)} now", ""


def _answer(pair: _Pair) -> Iterator[_Told]:
    before, after = pair.before, pair.after
    if before.page != after.page and not (before.failure or after.failure):
        yield "answer", f"{after.url}: {after.page} now, was {before.page}", ""
    if before.endless != after.endless:
        text = f"the redirects from {after.url} have no end now: {after.endless}"
        yield "answer", text if after.endless else f"the redirects from {after.url} have an end again", ""


def _unknown(pair: _Pair) -> Iterator[_Told]:
    before, after = pair.before.unknown, pair.after.unknown
    as_its_own = (before, after) == (pair.before.page, pair.after.page)
    if before == after or as_its_own:
        return
    where = f"names that no virtual host has at port {pair.after.port}"
    if before is None:
        yield "unknown", f"{where} lead here now: {after}", ""
    elif after is None:
        yield "unknown", f"{where} do not lead here any more", ""
    else:
        yield "unknown", f"{where} get {after} now, got {before}", ""


def _plain(pair: _Pair) -> Iterator[_Told]:
    if pair.before.plain != pair.after.plain and pair.before.tls and pair.after.tls:
        yield "plain", f"plain HTTP on the TLS port gets {pair.after.plain} now, got {pair.before.plain}", ""


def _headers(pair: _Pair) -> Iterator[_Told]:
    before, after = pair.before.headers, pair.after.headers
    if pair.before.page.status is None or pair.after.page.status is None:
        return
    for name in dict.fromkeys((*after, *before)):
        shown = "-".join(part.capitalize() for part in name.split("-"))
        if name not in before:
            yield "header", f"new field {shown}: {after[name]}", name
        elif name not in after:
            yield "header", f"no field {shown} any more, was {before[name]}", name
        elif before[name] != after[name]:
            yield "header", f"{shown}: {after[name]} now, was {before[name]}", name


def _alpn(pair: _Pair) -> Iterator[_Told]:
    if pair.before.alpn != pair.after.alpn and _both_shaken(pair):
        yield "alpn", f"ALPN: {pair.after.alpn or 'nothing'} is selected now, was {pair.before.alpn or 'nothing'}", ""


def _both_shaken(pair: _Pair) -> bool:
    return pair.before.tls and pair.after.tls and not pair.before.failure and not pair.after.failure


def _lists(subject: str, text: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[_Told]:
    """What two lists differ in, their order included."""
    yield from _sets(subject, text, before, after)
    if before != after and {*before} == {*after}:
        yield subject, f"{text.format(', '.join(after))} now, in this order", ""


def _sets(subject: str, text: str, before: Iterable[str], after: Iterable[str]) -> Iterator[_Told]:
    gained, lost = _without(after, before), _without(before, after)
    if gained:
        yield subject, f"{text.format(', '.join(gained))} now", ""
    if lost:
        yield subject, f"{text.format(', '.join(lost))} no more", ""


def _without(these: Iterable[str], those: Iterable[str]) -> list[str]:
    left_out = {*those}
    return [one for one in these if one not in left_out]


_COMPARISONS: Final[tuple[Comparison, ...]] = (
    _names,
    _tls,
    _handshake,
    _client,
    _certificate,
    _protocols,
    _answer,
    _unknown,
    _plain,
    _headers,
    _alpn,
)
