"""What a report says of a test that failed."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_modssl.report.whole.value.place import Excerpt, Line  # noqa: TC001 - read at run time by `plain`


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
