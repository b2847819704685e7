"""What a report says of a run, its tests and its servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_modssl.report.whole.value.failure import Failure  # noqa: TC001 - read at run time by `plain`
from pytest_modssl.report.whole.value.host import Host  # noqa: TC001 - read at run time by `plain`
from pytest_modssl.report.whole.value.place import Line  # noqa: TC001 - read at run time by `plain`

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

FORMAT = "pytest-modssl report 1"


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
        test: as of `Test`.
        target: as of `Test`.
        phase: "setup", "call" or "teardown".
        place: as of `Test`.
        reason: as of `Test`.
        servers: what it saw of servers, or made known of them.
        failure: what is known of its failure.
    """

    id: str
    test: str
    target: str = ""
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
