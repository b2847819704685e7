"""A server that is none: it answers what a test gives it, so that messages can be judged word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_modssl.errors import WaitTimeoutError
from pytest_modssl.faq import Evidence, Start
from pytest_modssl.httpd.config import ServerConfig
from pytest_modssl.httpd.errorlog import parse
from pytest_modssl.httpd.render import Rendered
from pytest_modssl.pki import CA
from pytest_modssl.tls import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.http import RedirectChain, SslEnvironment
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake

LINE = "[Mon Nov 23 22:30:49.048985 2026] [ssl:{level}] [pid 7:tid 8] {ah}: {text}"


@dataclass
class FakeLog:
    lines: list[str] = field(default_factory=list)
    expected: list[str | re.Pattern[str]] = field(default_factory=list)

    @property
    def records(self) -> tuple[LogRecord, ...]:
        return tuple(parse("\n".join(self.lines))) if self.lines else ()

    def expect(self, *wanted: str | re.Pattern[str]) -> None:
        self.expected += wanted

    def wait_for(self, wanted: str | re.Pattern[str]) -> None:
        if not any(re.search(wanted, line) for line in self.lines):
            raise WaitTimeoutError("not there")


@dataclass
class FakeServer:
    shaken: Handshake | None = None
    chain: RedirectChain | None = None
    seen: SslEnvironment | Exception | None = None
    trust: tuple[bytes, ...] = (b"a root",)
    log: FakeLog = field(default_factory=FakeLog)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    settled: int = 0
    ended: tuple[str, ...] = ()
    accepted: list[object] = field(default_factory=list)
    installation: object = None

    def probe(self, *_: object, **__: object) -> ProbeResult:
        return ProbeResult(address=("127.0.0.1", 443), error="no answer")

    @property
    def instance(self) -> FakeServer:
        return self

    def settle(self) -> None:
        self.settled += 1

    def accept(self, observations: Sequence[object]) -> None:
        self.accepted += observations

    def note(self, _: object) -> None: ...

    def evidence(self, *, mismatches: Sequence[Mismatch], error: BaseException | None) -> Evidence:
        rendered = Rendered("", {}, (), (), (), "", (), (), {})
        return Evidence(
            installation=cast("Installation", None),
            config=ServerConfig(),
            rendered=rendered,
            start=Start(ready=True),
            records=self.log.records,
            observations=(self.shaken, self.chain, self.seen),
            mismatches=tuple(mismatches),
            error=error,
        )

    def handshake(self, name: str | None, *, port: int, **options: Any) -> Handshake | None:
        self.asked.append((name, port, options))
        return self.shaken

    def redirects(self, *_: object, **__: object) -> RedirectChain | None:
        return self.chain

    def environment(self, *_: object, **__: object) -> SslEnvironment | None:
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    def s_client_command(self, name: str | None, **options: Any) -> list[str]:
        return ["openssl", "s_client", "-servername", str(name), *(key for key in options if key != "port")]

    def curl_command(self, url: str, *, follow: bool = False, **_: object) -> list[str]:
        return ["curl", url, *["--location"][: int(follow)]]

    def real(self) -> Server:
        return cast("Server", self)


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture(scope="session")
def leaf_der() -> bytes:
    return CA().issue("www.example.test").der
