"""Everything that a TLS port accepts: protocols, cipher suites, groups, Diffie-Hellman primes, certificates.

How: offer all suites of one protocol, see which one the server selects, offer all others, until it refuses. The suites
come in the server's order, and each costs one connection (`ordering`). The same for groups. The server is judged by its
ServerHello, so one that demands a client certificate shows all it has. Protocols, and of each the kinds of its suites,
are asked side by side, as most of the time is the server's, which computes a key exchange and a signature for each
answer.

What stays unseen: the certificates of a server that speaks TLS 1.3 alone (they are encrypted), the place of SRP suites
in the server's order (they stand last), and named ffdhe groups before TLS 1.3. Before TLS 1.3 a server whose only key
is ECDSA can use no group without a client that offers the curve of that key too (measured on OpenSSL 3.0.22), so a
group that such a server likes less than this curve is never used, and not listed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import names
from pytest_modssl.tls.hello import client_hello
from pytest_modssl.tls.ordering import in_order
from pytest_modssl.tls.probe import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from typing_extensions import Unpack

    from pytest_modssl.tls.hello import HelloOptions
    from pytest_modssl.tls.probe import ProbeResult

_TLS13: Final = "TLSv1.3"
_FAST_GROUPS: Final = ("x25519", "secp256r1")
_CURVES: Final = _FAST_GROUPS + tuple(
    name for name in names.GROUPS if name not in _FAST_GROUPS and not name.startswith("ffdhe")
)
"""All groups but ffdhe, which would override the server's parameters (RFC 7919); the cheap ones first, for servers
that go by the client's order."""
_ALL_GROUPS: Final = _CURVES + tuple(name for name in names.GROUPS if name.startswith("ffdhe"))
_REFUSED: Final = frozenset({"alert", "closed", "reset"})
_UNKNOWN_USER: Final = names.ALERTS["unknown_psk_identity"]
_KINDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a TLS port accepts.

    Args:
        address: Where it was asked.
        server_name: The name of SNI it was asked with.
        suites: Accepted cipher suites by protocol, by OpenSSL's names, in the order in which the server selects them.
        server_order: By protocol, whether the server's order decides; where it is False the client's does, and the
            order of `suites` says nothing. None where one suite alone is accepted, or the order follows no such rule.
        groups: Accepted groups by protocol, most preferred first.
        dh_primes: The primes of DHE up to TLS 1.2, the smallest first.
        certificates: Chains as DER by the authentication of the suites that use them ("RSA", "ECDSA", "DSS").
        client_certificate: Whether it asks for a client certificate; None where no protocol before TLS 1.3 tells.
        compression: The compression method it selects where one is offered, "DEFLATE", else "NULL"; None where no
            protocol before TLS 1.3 is accepted, as TLS 1.3 has none.
        connections: How many connections it took.
        elapsed: How many seconds it took.
    """

    address: tuple[str, int]
    server_name: str | None
    suites: Mapping[str, tuple[str, ...]]
    server_order: Mapping[str, bool | None]
    groups: Mapping[str, tuple[str, ...]]
    dh_primes: tuple[int, ...] = field(repr=False)
    certificates: Mapping[str, tuple[bytes, ...]] = field(repr=False)
    client_certificate: bool | None
    compression: str | None
    connections: int
    elapsed: float

    @property
    def protocols(self) -> tuple[str, ...]:
        """Accepted protocols, the newest first."""
        return tuple(self.suites)

    @property
    def dh_bits(self) -> int | None:
        """The bits of the smallest prime of DHE, None where DHE is not accepted."""
        return self.dh_primes[0].bit_length() if self.dh_primes else None

    def __str__(self) -> str:
        host, port = self.address
        name = "" if self.server_name is None else f" ({self.server_name})"
        lines = [f"{host}:{port}{name} accepts {', '.join(self.protocols) or 'no protocol'}"]
        for protocol, suites in self.suites.items():
            order = {True: "the server's order", False: "the client's order decides", None: "order not known"}
            lines.append(f"{protocol}: {len(suites)} cipher suites, {order[self.server_order[protocol]]}")
            lines += [
                f"    {suite!s:<32} {suite.key_exchange:<9} {suite.authentication:<5} {suite.encryption}"
                for suite in map(names.cipher_suite, suites)
            ]
            if self.groups[protocol]:
                lines.append(f"    groups: {', '.join(self.groups[protocol])}")
        if self.dh_primes:
            lines.append(f"DHE primes: {', '.join(f'{prime.bit_length()} bits' for prime in self.dh_primes)}")
        lines += [f"{kind} chain: {len(chain)} certificate(s)" for kind, chain in self.certificates.items()]
        if self.client_certificate:
            lines.append("asks for a client certificate")
        if self.compression not in {None, "NULL"}:
            lines.append(f"compresses: {self.compression}")
        lines.append(f"{self.connections} connections, {self.elapsed * 1000:.0f} ms")
        return "\n".join(lines)


def scan(address: tuple[str, int], server_name: str | None = None, *, timeout: float = 10.0) -> Scan:
    """Everything that the TLS port at an address accepts.

    Args:
        address: Host and port to connect to.
        server_name: For SNI, None for none.
        timeout: Seconds for all of it. A server with 62 suites takes under 0.1 s (httpd 2.4.71, OpenSSL 3.0.22,
            loopback).

    Raises:
        TlsError: when the port cannot be reached, does not speak TLS, or does not answer in time.
    """
    started = time.perf_counter()
    newest_first = reversed(tuple(names.PROTOCOLS))
    with ThreadPoolExecutor(len(names.PROTOCOLS) * (1 + _KINDS), "modssl scan") as pool:
        asked = [_Questions(address, server_name, protocol, timeout, pool) for protocol in newest_first]
        accepted = [one for one, accepts in zip(asked, pool.map(_Questions.ask_all, asked), strict=True) if accepts]
    asks = {one.client_certificate for one in accepted} - {None}
    compressions = {one.compression for one in accepted} - {None}
    chains = {kind: chain for one in reversed(accepted) for kind, chain in one.certificates.items()}
    return Scan(
        address=address,
        server_name=server_name,
        suites=MappingProxyType({one.protocol: one.accepted for one in accepted}),
        server_order=MappingProxyType({one.protocol: one.server_order for one in accepted}),
        groups=MappingProxyType({one.protocol: one.groups for one in accepted}),
        dh_primes=tuple(sorted({prime for one in accepted for prime in one.primes})),
        certificates=MappingProxyType(chains),
        client_certificate=any(asks) if asks else None,
        compression=next(iter(compressions - {"NULL"}), "NULL") if compressions else None,
        connections=sum(one.connections for one in asked),
        elapsed=time.perf_counter() - started,
    )


class _Questions:
    """Asks one port about one protocol, and notes on the way what its answers tell beside the question."""

    def __init__(
        self, address: tuple[str, int], server_name: str | None, protocol: str, timeout: float, pool: Executor
    ) -> None:
        self.address = address
        self.server_name = server_name
        self.protocol = protocol
        self.timeout = timeout
        self.deadline = time.perf_counter() + timeout
        self.connections = 0
        self.accepted: tuple[str, ...] = ()
        self.server_order: bool | None = None
        self.groups: tuple[str, ...] = ()
        self.primes: set[int] = set()
        self.certificates: dict[str, tuple[bytes, ...]] = {}
        self.client_certificate: bool | None = None
        self.compression: str | None = None
        self._pool = pool
        self._noting = Lock()

    def ask_all(self) -> bool:
        """Whether the protocol is accepted; what of it is then noted."""
        accepted = self._suites()
        if accepted:
            self.server_order = self._server_order(accepted)
            self.groups = self._groups(accepted)
            self.accepted = tuple(map(names.cipher_suite_name, [*accepted, *self._srp_suites()]))
        return bool(accepted)

    def _suites(self) -> list[int]:
        """Numbers of the accepted suites, as the server selects them; without SRP."""
        suites = [suite.code for suite in names.cipher_suites(self.protocol) if suite.key_exchange != "SRP"]
        return in_order(suites, self._suite, _kind, self._pool)

    def _server_order(self, accepted: Sequence[int]) -> bool | None:
        """Whether the server's order decides: it selects its first also when that is offered last."""
        if len(accepted) < 2:
            return None
        selected = self._suite(accepted[::-1])
        return {accepted[0]: True, accepted[-1]: False}.get(-1 if selected is None else selected)

    def _srp_suites(self) -> list[int]:
        """Numbers of the accepted SRP suites.

        No user is known here. A server that knows SRP says so by an alert (RFC 5054 section 2.5.1.3), or selects a
        suite all the same, to hide which users it has.
        """
        suites = [suite.code for suite in names.cipher_suites(self.protocol) if suite.key_exchange == "SRP"]
        if not suites or not self._speaks_srp(suites):
            return []
        return [code for code in suites if self._speaks_srp([code])]

    def _groups(self, accepted: Sequence[int]) -> tuple[str, ...]:
        """The accepted groups, as the server selects them."""
        left = list(_ALL_GROUPS if self.protocol == _TLS13 else _CURVES)
        suites = list(accepted) if self.protocol == _TLS13 else _ecdhe(accepted)
        found: list[str] = []
        kept = None
        while suites and left:
            selected = self._ask(suites=suites, groups=left if kept is None else [*left, kept]).group
            if selected is None and kept is None and found and _signs_with_curve(suites):
                kept = found[-1]  # perhaps no group was refused, but the curve of the server's key was missed
            elif selected is None or selected not in left:
                break
            else:
                found.append(selected)
                left.remove(selected)
        return tuple(found)

    def _speaks_srp(self, suites: Sequence[int]) -> bool:
        answer = self._ask(suites=suites, groups=_CURVES, srp_user="scan")
        alert = answer.alert
        return answer.server_hello is not None or (alert is not None and alert.description == _UNKNOWN_USER)

    def _suite(self, offered: Sequence[int]) -> int | None:
        """The number of the suite that the server selects of these."""
        groups = _ALL_GROUPS if self.protocol == _TLS13 else _CURVES
        hello = self._ask(suites=offered, groups=groups).server_hello
        if hello is None or names.protocol_name(hello.version) != self.protocol:
            return None
        if hello.cipher_suite not in offered:
            raise TlsError(
                f"Scan of {self._place()}: the server selected {names.cipher_suite_name(hello.cipher_suite)}, which "
                "was not offered. It breaks the protocol, and nothing more can be learned of it."
            )
        return hello.cipher_suite

    def _ask(self, **hello: Unpack[HelloOptions]) -> ProbeResult:
        left = max(0.001, self.deadline - time.perf_counter())
        hello["versions"] = (self.protocol,)
        if self.protocol != _TLS13:  # where RFC 8446 section 4.1.2 forbids it
            hello["compressions"] = ("DEFLATE", "NULL")
        answer = ask(self.address, client_hello(self.server_name, **hello), timeout=left)
        if answer.failure is not None and answer.failure not in _REFUSED:
            plain = "" if answer.reply_plain is None else f" It answered {answer.reply_plain[:60]!r}."
            raise TlsError(
                f"Scan of {self._place()} with {self.protocol}, connection {self.connections + 1}: {answer.error} "
                f"({answer.failure}).{plain} Is it the port of a TLS host, and is timeout={self.timeout:g} s enough?"
            )
        with self._noting:
            self._note(answer)
        return answer

    def _note(self, answer: ProbeResult) -> None:
        self.connections += 1
        if answer.dh_bits is not None and answer.key_exchange is not None and answer.key_exchange.prime is not None:
            self.primes.add(answer.key_exchange.prime)
        if answer.server_hello is None or answer.protocol == _TLS13:
            return
        self.client_certificate = bool(self.client_certificate) or answer.certificate_request is not None
        if self.compression in {None, "NULL"}:
            self.compression = answer.compression
        if answer.certificates:
            kind = names.cipher_suite(answer.server_hello.cipher_suite).authentication
            self.certificates.setdefault(kind, answer.certificates)

    def _place(self) -> str:
        host, port = self.address
        return f"{host}:{port}" + ("" if self.server_name is None else f" ({self.server_name})")


def _kind(code: int) -> int:
    """One of `_KINDS`, as OpenSSL orders them by itself (ssl_create_cipher_list in ssl/ssl_ciph.c of 3.0)."""
    suite = names.cipher_suite(code)
    if not suite.forward_secret:
        return 3
    return 0 if suite.aead else 1 if suite.mac in {"SHA256", "SHA384"} else 2


def _ecdhe(accepted: Sequence[int]) -> list[int]:
    return [code for code in accepted if names.cipher_suite(code).key_exchange in {"ECDHE", "ECDHE_PSK"}]


def _signs_with_curve(suites: Sequence[int]) -> bool:
    return all(names.cipher_suite(code).authentication == "ECDSA" for code in suites)
