"""What a report says of a virtual host."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_modssl.report.whole.value.place import Line  # noqa: TC001 - read at run time by `plain`


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate.

    Attributes:
        subject: RFC 4514.
        issuer: RFC 4514.
        names: DNS names and IP addresses that it is for.
        begins: of its validity, ISO 8601, UTC.
        ends: of its validity.
        key: kind and size: "EC secp256r1", "RSA 2048".
        signature: the algorithm that it is signed with.
        serial: in hexadecimal.
        sha256: its fingerprint.
        authority: whether it may issue others (basicConstraints).
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    begins: str
    ends: str
    key: str
    signature: str
    serial: str
    sha256: str
    authority: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The certificates that came with a handshake, the server's own first.

    Attributes:
        certificates: as sent.
        verdict: of OpenSSL on them, against the roots of the test.
        trusted: the same as yes or no; `None` where it was not judged.
        for_name: whether the first is for the name that was asked for; `None` where none was.
        stapled: whether an OCSP response came with it.
    """

    certificates: tuple[Certificate, ...]
    verdict: str
    trusted: bool | None
    for_name: bool | None
    stapled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What is accepted of one protocol.

    Attributes:
        name: "TLSv1.3".
        suites: OpenSSL's names, in the order in which the server selects them.
        server_order: whether the server's order decides; `None` where nothing shows it.
        groups: of the key exchange, most preferred first.
    """

    name: str
    suites: tuple[str, ...]
    server_order: bool | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a port accepts, as a scan found it.

    Attributes:
        protocols: the newest first.
        dh_bits: of the smallest prime of DHE.
        compression: "NULL" for none; `None` where nothing shows it.
        asked_as: the name that the scan asked for: hosts with equal settings share one.
    """

    protocols: tuple[Protocol, ...]
    dh_bits: int | None
    compression: str | None
    asked_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shake:
    """Handshakes that were alike.

    Attributes:
        protocol: `None` where it did not come so far.
        suite: likewise.
        group: likewise.
        failure: why it failed; empty where it did not.
        resumed: whether a session was taken up.
        count: how many there were.
        seconds: that each took to the end of the handshake, from the begin of the TCP connection.
    """

    protocol: str | None
    suite: str | None
    group: str | None
    failure: str
    resumed: bool
    count: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One thing in which a host is not as a policy says.

    Attributes:
        subject: what it is about: "suite (TLSv1.2)".
        allowed: what the policy says.
        seen: what was seen.
        change: what to change.
        lacks: whether only some clients lose by it, and no security.
    """

    subject: str
    allowed: str
    seen: str
    change: str
    lacks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of holding a host against a policy.

    Attributes:
        policy: its name and version.
        source: where it is published.
        deviations: all of them.
        not_judged: what it speaks of and was not seen.
    """

    policy: str
    source: str
    deviations: tuple[Deviation, ...]
    not_judged: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """One answer that sends its client elsewhere.

    Attributes:
        url: what was asked for.
        status: of the answer.
        location: as sent; `None` where there is none.
    """

    url: str
    status: int
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirects:
    """Where a request ended, and the way there.

    Attributes:
        hops: the redirects.
        url: the last that was asked for.
        status: of its answer; `None` without one.
        loop: whether the last hop leads back.
        error: why there is no proper end; empty where there is one.
    """

    hops: tuple[Redirect, ...]
    url: str
    status: int | None
    loop: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to a request.

    Attributes:
        method: of the request.
        url: of the request.
        status: `None` where there was none.
        error: why there was none.
    """

    method: str
    url: str
    status: int | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A virtual host, and what was seen of it.

    Attributes:
        name: ServerName.
        port: of the configuration.
        place: where it begins in the user's files.
        chains: the certificates that it presented; of alike ones, as each worker has its own, the last.
        accepted: what it accepts; `None` where no test scanned it.
        shakes: handshakes.
        demands: how it demanded a client certificate: "in the handshake".
        client_cas: the names in the demand.
        hsts: Strict-Transport-Security of an answer over HTTPS, empty where it had none; `None` without an answer.
        verdicts: of policies.
        redirects: that began here.
        answers: the requests, each once.
    """

    name: str
    port: int
    place: Line | None = None
    chains: tuple[Chain, ...] = ()
    accepted: Accepted | None = None
    shakes: tuple[Shake, ...] = ()
    demands: tuple[str, ...] = ()
    client_cas: tuple[str, ...] = ()
    hsts: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    redirects: tuple[Redirects, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def name_and_port(self) -> str:
        """As "www.example.test:443"."""
        return f"{self.name}:{self.port}"
