"""What is kept of a test, gathered from the servers that it used, within bounds, and written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import ModsslError, StartError
from pytest_modssl.report.artifacts.contents import REPORT, Contents, Recorded, contents_of
from pytest_modssl.report.artifacts.folder import add_to_report, folder_of, write
from pytest_modssl.report.bug import Case, case_of, report_of, secrets_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from pytest_modssl.targets.server import Server

MOST_OF_RUN: Final = 90_000_000
"""Bytes that all folders of a run have at the most: GitLab takes artefacts of 100 MB from a job if nothing else is set
(its administration manual, "Maximum artifacts size"). What bug reports take counts, and they may take as much again.
"""


@dataclass(slots=True)
class Budget:
    """How much may be written yet.

    Attributes:
        most: bytes for this process.
        spent: bytes that it has written.
    """

    most: int = MOST_OF_RUN
    spent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The test that something is kept of.

    Attributes:
        id: its id.
        outcome: what became of it: "failed".
        error: what it failed with; `None` where it did not, or nobody knows.
        names: the names that it is about; empty for all.
    """

    id: str
    outcome: str
    error: BaseException | None = None
    names: Collection[str] = ()

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.outcome == "failed"


def gather(test: Subject, servers: Sequence[Server]) -> tuple[Recorded, ...]:
    """What is known of the servers that had part in a test.

    Args:
        test: the test.
        servers: those that it may have used.

    Raises:
        OSError: when a server's files cannot be read.
        ModsslError: when httpd cannot be asked.
    """
    return tuple(_recorded(test, servers))


def keep(test: Subject, base: Path, recorded: Sequence[Recorded], budget: Budget) -> Path:
    """The folder of a test, written.

    When a test fails in its teardown also, that goes to the end of its bug report.

    Args:
        test: the test.
        base: folder for all tests.
        recorded: what is known of the servers that had part in it.
        budget: how much may be written yet.

    Raises:
        OSError: when it cannot be written.
        ModsslError: when httpd cannot be asked, or too much is kept already.
    """
    secrets = secrets_of([one.case for one in recorded])
    folder = folder_of(test.id, base)
    report = b""
    if test.failed:
        text = report_of([one.case for one in recorded], error=test.error, test=test.id, secrets=secrets)
        report = f"{text}\n".encode("utf-8", "backslashreplace")
    if (folder / REPORT).exists():
        add_to_report(folder, report.decode())
        budget.spent += len(report)
        return folder
    told = secrets.removed_from(test.id)
    contents = contents_of(f"{told}: {test.outcome}", recorded, secrets)
    if budget.spent + contents.size + len(report) > budget.most:
        why = f"all but the bug report: what is kept of this run has reached its {budget.most} bytes in this process"
        contents = Contents({}, (why,))
        if not report or budget.spent > 2 * budget.most:
            raise ModsslError(f"nothing more is kept: {budget.spent} bytes are kept of this run already")
    if report:
        contents = Contents({REPORT: report, **contents.files}, contents.cut)
    budget.spent += contents.size
    return write(folder, told, test.outcome, contents)


def _recorded(test: Subject, servers: Sequence[Server]) -> Iterator[Recorded]:
    if isinstance(test.error, StartError) and test.error.evidence is not None:
        yield Recorded(case=Case(evidence=test.error.evidence, records=()), names=test.error.evidence.config.names)
    for server in servers:
        if server.used or server.log.records:
            yield _of_server(test, server)


def _of_server(test: Subject, server: Server) -> Recorded:
    case = _case(test, server)
    recording = server.recording
    if recording is None:
        return Recorded(case=case, names=server.config.names, seen=case.observations)
    case = replace(case, observations=tuple(recording.seen))
    named = [one for one in recording.connections if one.name in test.names]
    return Recorded(
        case=case,
        names=server.config.names,
        seen=case.observations,
        unseen=recording.unseen,
        connections=named if test.names else tuple(recording.connections),
        keys=recording.keys,
        ports=server.ports,
        roots=(b"".join(server.trust), str(server.ca_file or "")) if case.commands else (b"", ""),
    )


def _case(test: Subject, server: Server) -> Case:
    """What is known of a server; of one that has ended with its files, what was known before."""
    try:
        return case_of(server, test.error)
    except (OSError, ModsslError):
        return Case(evidence=server.evidence(error=test.error), records=server.log.records)
