"""What a stand-in answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from pytest_modssl.backends.received import BackendRequest
from pytest_modssl.errors import BackendError

if TYPE_CHECKING:
    from pytest_modssl.backends.received import Body, Headers

SWITCHING: Final = 101
"""The status of an upgrade."""

_NO_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stand-in answers.

    Args:
        status: 101 to switch to the protocol that the request's `Upgrade` names, else 200 to 599.
        headers: header fields; Content-Length is added.
        body: text is sent as UTF-8.

    Raises:
        BackendError: for what no answer can have.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes = b""

    def __post_init__(self) -> None:
        wrong = [one for pair in self.headers.items() for one in pair if any(sign in one for sign in "\r\n\0")]
        if wrong or not (self.status == SWITCHING or 200 <= self.status <= 599):
            raise BackendError(
                f"no back end can answer so: status {self.status}, headers {dict(self.headers)!r}. Give a status of "
                "200 to 599 (or 101), and names and values without line ends"
            )

    @property
    def reason(self) -> str:
        """The phrase of the status; empty for one without."""
        return HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else ""

    @property
    def content(self) -> bytes:
        """The body as bytes; none where the status allows none."""
        if self.status in _NO_BODY:
            return b""
        return self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields, with Content-Length where there may be a body."""
        given = tuple((name, value) for name, value in self.headers.items() if name.lower() != "content-length")
        return given if self.status in _NO_BODY else (*given, ("Content-Length", str(len(self.content))))


Answering: TypeAlias = Answer | Callable[[BackendRequest], Answer]
"""An answer, or a function that gives one; it is called in the thread of the stand-ins."""


class Exchange(Protocol):
    """Keeps a request of one connection and gives the answer to it."""

    def __call__(
        self,
        *,
        method: str,
        path: str,
        protocol: str,
        headers: Headers,
        body: Body,
        variables: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer; arguments as the attributes of `BackendRequest`."""


def page(request: BackendRequest) -> Answer:
    """The answer that tells which back end this is and what it received; to a WebSocket's request, the upgrade."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return Answer(SWITCHING)
    return Answer(headers={"Content-Type": "text/plain; charset=utf-8"}, body=f"{request}\n")
