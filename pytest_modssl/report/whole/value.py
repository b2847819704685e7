"""What a report about a run says, as values; their documentation is that of the JSON (`schema.json`).

Every text in them is free from secrets, and bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

FORMAT = "pytest-modssl report 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a file of the user.

    Attributes:
        file: relative to the folder that the run is of (`Report.root`) where it is below it, else absolute.
        line: counted from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Some lines of a file of the user.

    Attributes:
        place: the line that they are around.
        first: number of the first of them.
        lines: their text.
    """

    place: Line
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A diagnosis: an entry of the catalogue that fits what was seen.

    Attributes:
        id: of the entry.
        question: that the entry answers.
        cause: in one line.
        remedy: what to do.
        certainty: "certain", "likely" or "possible".
        seen: the lines and facts that show it.
        place: the directive, or the call.
        text: the directive.
        links: to read on.
    """

    id: str
    question: str
    cause: str
    remedy: str
    certainty: str
    seen: tuple[str, ...] = ()
    place: Line | None = None
    text: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as expected.

    Attributes:
        what: it is.
        expected: in words.
        seen: in words.
    """

    what: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record of a connection.

    Attributes:
        sent: by the client; else it was received.
        ms: milliseconds since the connection was begun.
        kind: type of the record.
        length: bytes after the record's header.
        encrypted: whether its contents were encrypted on the wire.
        told: its handshake messages, or alert, in words.
    """

    sent: bool
    ms: float
    kind: str
    length: int
    encrypted: bool
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One TLS connection, record by record.

    Attributes:
        title: whom it was with, and how it ended.
        ok: whether the handshake was finished.
        summary: what was seen of it, in lines.
        messages: its records.
        left_out: how many more there were.
    """

    title: str
    ok: bool
    summary: tuple[str, ...]
    messages: tuple[Message, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What is known of a test that failed, in one phase of it.

    Attributes:
        phase: "setup", "call", "teardown" or "collect".
        headline: in one line.
        message: all that the error says.
        traceback: as pytest shows it.
        place: where it failed, in the user's files.
        differences: what is not as expected.
        problems: diagnoses, the most likely first.
        excerpts: the user's lines that it is about.
        log: what the servers logged.
        seen: what was seen from outside, as text.
        conversations: TLS connections.
        commands: command lines that repeat it.
    """

    phase: str
    headline: str
    message: str
    traceback: str = ""
    place: Line | None = None
    differences: tuple[Difference, ...] = ()
    problems: tuple[Problem, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    log: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test on one target.

    Attributes:
        id: pytest's node id.
        test: the same on every target.
        target: name of the target; empty for a test that uses no server.
        outcome: what became of it.
        seconds: that it took, with setup and teardown.
        reason: why it was skipped, or was expected to fail.
        place: where the test, or what it checks, stands.
        servers: ids of those that it used.
        failures: one for each phase that failed.
    """

    id: str
    test: str
    target: str = ""
    outcome: Outcome = "passed"
    seconds: float = 0.0
    reason: str = ""
    place: Line | None = None
    servers: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file of a configuration as it ran.

    Attributes:
        name: of the file.
        text: what is in it.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An httpd with one configuration, however often it was started.

    Attributes:
        id: the same for equal configurations on one target.
        target: name of the target.
        httpd: its version.
        library: the TLS library and its version, as mod_ssl loads it.
        title: names of its virtual hosts.
        place: where its configuration was made.
        refused: whether httpd refused the configuration.
        starts: seconds that each start took until it was ready.
        configuration: its main file, and those with the user's lines.
        log: what it logged, the end of it.
        hosts: its virtual hosts.
    """

    id: str
    target: str
    httpd: str
    library: str
    title: str
    place: Line | None = None
    refused: bool = False
    starts: tuple[float, ...] = ()
    configuration: tuple[Text, ...] = ()
    log: tuple[str, ...] = ()
    hosts: tuple[Host, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one phase of a test adds to the report.

    Attributes:
        id: pytest's node id.
        phase: "setup", "call" or "teardown".
        place: as of `Test`.
        reason: as of `Test`.
        servers: what it saw of servers, or made known of them.
        failure: what is known of its failure.
    """

    id: str
    phase: str
    place: Line | None = None
    reason: str = ""
    servers: tuple[Server, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where servers ran.

    Attributes:
        name: as `--modssl-target` takes it.
        id: as tests are named by it.
        description: in one line.
        reason: why it was chosen.
    """

    name: str
    id: str
    description: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run.

    Attributes:
        format: "pytest-modssl report 1".
        began: ISO 8601, UTC.
        seconds: that it took.
        program: pytest-modssl, pytest and Python with their versions, and the system.
        root: the folder that it is of.
        targets: where servers ran.
        tests: in the order in which they ended.
        servers: in the order in which they were first used.
        left_out: what is not in the report, as it would be too long.
    """

    format: str = FORMAT
    began: str
    seconds: float
    program: str
    root: str
    targets: tuple[Target, ...]
    tests: tuple[Test, ...]
    servers: tuple[Server, ...]
    left_out: tuple[str, ...] = ()
