"""One connection of a load: handshake, requests, and what it came to."""

from __future__ import annotations

import http.client
import io
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from pytest_modssl import tls
from pytest_modssl.errors import TlsError, WaitTimeoutError
from pytest_modssl.http.reading import HttpAnswer, pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.load.plan import Plan
    from pytest_modssl.tls import Handshake, Session
    from pytest_modssl.tls.handshake import Resumption

_READ = 65_536
_FIRST_BAD_STATUS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one connection came to.

    Attributes:
        failure: how it went wrong, as a word or two to count by; empty where it did not.
        protocol: of its handshake; `None` where none succeeded.
        offered: whether there was a session to resume.
        resumed_by: how that was taken up.
        answers: how many came whole.
        handshake_seconds: from the beginning until the handshake was finished.
        seconds: from the beginning to the end, of a connection that did not go wrong.
        example: the handshake; `None` without TLS, and for all but the first of a kind.
    """

    failure: str = ""
    protocol: str | None = None
    offered: bool = False
    resumed_by: Resumption | None = None
    answers: int = 0
    handshake_seconds: float | None = None
    seconds: float | None = None
    example: Handshake | None = None

    @property
    def kind(self) -> str:
        """What it is an example of."""
        if self.failure or not self.offered:
            return self.failure or "without a session"
        return f"resumed by {self.resumed_by}" if self.resumed_by else "not resumed"


def connection(plan: Plan, session: Session | None) -> tuple[Outcome, Session | None]:
    """The outcome of one connection, and the session to offer with the next.

    Args:
        plan: what to do.
        session: the one to offer; `None` makes a full handshake.
    """
    return _over_tls(plan, session) if plan.scheme == "https" else (_in_clear(plan), None)


def _over_tls(plan: Plan, session: Session | None) -> tuple[Outcome, Session | None]:
    answers, failure, seconds = 0, "", None
    options = {**plan.options, "session": session, "timeout": plan.timeout}
    if not plan.requests:
        seen = tls.handshake(plan.address, plan.host, **options)
    else:
        with tls.connect(plan.address, plan.host, **options) as talk:
            seen = talk.handshake
            if seen.ok:
                # Not counted: making the client's context, which happens once.
                begun = time.perf_counter() - seen.timings["handshake"]
                answers, failure = _ask(plan, talk.send, talk.recv)
                seconds = time.perf_counter() - begun
                seen = talk.handshake
    failure = failure if seen.ok else _kind(seen)
    outcome = Outcome(
        failure=failure,
        protocol=seen.protocol if seen.ok else None,
        offered=session is not None,
        resumed_by=seen.resumed_by if seen.ok else None,
        answers=answers,
        handshake_seconds=seen.timings.get("handshake") if seen.ok else None,
        seconds=None if failure else seconds,
        example=seen,
    )
    return outcome, seen.session if plan.resume and seen.ok else None


def _kind(seen: Handshake) -> str:
    alerts = [one.name for one in seen.alerts_received if one.fatal]
    return f"alert {alerts[-1]}" if seen.failure == "alert" and alerts else str(seen.failure)


def _in_clear(plan: Plan) -> Outcome:
    begun = time.perf_counter()
    try:
        with socket.create_connection(plan.address, timeout=plan.timeout) as talk:
            talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers, failure = _ask(plan, talk.sendall, talk.recv)
    except ConnectionRefusedError:
        return Outcome(failure="refused")
    except TimeoutError:
        return Outcome(failure="timeout")
    except OSError:
        return Outcome(failure="unreachable")
    return Outcome(failure=failure, answers=answers, seconds=None if failure else time.perf_counter() - begun)


def _ask(plan: Plan, send: Callable[[bytes], object], receive: Callable[[int], bytes]) -> tuple[int, str]:
    """How many answers came whole, and what was wrong with the one that did not."""
    for number in range(plan.requests):
        timely = _within(plan.timeout, receive)
        last = number == plan.requests - 1
        end = "Connection: close\r\n\r\n" if last else "\r\n"
        try:
            send(f"{plan.request_head}{end}".encode())
            answer = HttpAnswer(cast("socket.socket", _Stream(timely)), method="GET")
            answer.begin()
            for _ in pieces_of(answer):
                pass
            while last and timely(_READ):
                pass
        except (TlsError, WaitTimeoutError, http.client.HTTPException, OSError):
            return number, "no answer"
        if answer.status >= _FIRST_BAD_STATUS:
            return number, f"answer {answer.status}"
    return plan.requests, ""


def _within(seconds: float, receive: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """What receives the same, and ends in a TimeoutError when the time is over, however much comes."""
    deadline = time.monotonic() + seconds

    def timely(size: int) -> bytes:
        if time.monotonic() >= deadline:
            raise TimeoutError
        return receive(size)

    return timely


class _Stream(io.RawIOBase):
    """What a connection receives as a file, which is all that `HTTPResponse` wants of a socket."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive

    def makefile(self, _mode: str) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(self))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        data = self._receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)
