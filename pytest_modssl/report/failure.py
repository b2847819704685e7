"""What to show where a test failed: what the servers logged, what was seen of them, how to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslAssertionError, ModsslError, StartError, WaitTimeoutError, said
from pytest_modssl.faq import diagnose
from pytest_modssl.httpd.errorlog import SEVERITY
from pytest_modssl.report.bug import in_words
from pytest_modssl.report.known import learn_environment, learn_observations, learn_server
from pytest_modssl.report.outcome import SHOWN_LINES, UnexpectedLogError, raw_lines
from pytest_modssl.report.secrets import Secrets
from pytest_modssl.tls import shell_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.targets.server import Server

_DIAGNOSED = (ModsslAssertionError, StartError)
_NOTES = "_modssl_notes"
_SHOWING_THE_LOG = (UnexpectedLogError, ModsslAssertionError, WaitTimeoutError)


def explain(
    error: BaseException, servers: Sequence[Server], *, over: bool = True, shows_notes: bool = True
) -> list[tuple[str, str]]:
    """Sections for the report of a failed test: diagnosis, log, what was seen, how to repeat it, the configuration.

    Of a server that did not start, it is the configuration that httpd refused. Diagnoses that the error's own message
    does not have, and log lines of level warning and worse, become notes of the error, for reports that know no
    sections; so does the reason why a server is gone. What is secret in a section is taken out of it.

    Args:
        error: what the test failed with.
        servers: those that were running.
        over: whether the test has ended, and its sessions with it; a subtest fails while its test goes on.
        shows_notes: whether the notes of the error are shown; else diagnoses become sections.
    """
    used = [server for server in servers if server.used or server.log.records]
    notes = []
    for server in used:
        try:
            if over:
                server.end_test()
            else:
                server.instance.settle()
        except ModsslError as found:
            notes.append(str(found))
    notes += [one for server in used for one in server.ended if one not in "\n".join([said(error), *notes])]
    diagnoses = [] if isinstance(error, _DIAGNOSED) else _diagnoses(error, used)
    notes += diagnoses
    # They are not always what the failure is about, and are never to be missed.
    told = "\n".join([said(error), *diagnoses])
    crashes = [str(one) for server in used for one in server.crashes() if one.said not in told]
    notes += ["\n".join(["children of httpd crashed during this test:", *crashes])] if crashes else []
    if not isinstance(error, _SHOWING_THE_LOG):
        logged = raw_lines([record for server in used for record in server.log.records if _is_warning(record)])
        notes += ["\n".join(["the server logged during this test:", *logged])] if logged else []
    _note(error, notes)
    # Since Python 3.11, where BaseException has add_note.
    sections = [] if shows_notes and hasattr(error, "add_note") else [("diagnosis", one) for one in diagnoses]
    sections += [section for server in used for section in _sections(server)]
    if isinstance(error, StartError):
        sections.insert(0, ("configuration that httpd refused", _numbered(error.configuration)))
    secrets = secrets_of(error, used)
    return [(f"modssl: {title}", secrets.removed_from(text)) for title, text in sections if text]


def _note(error: BaseException, notes: Sequence[str]) -> None:
    """Gives an error notes in place of those that it was given for another test: a fixture's error is raised for each.

    They go where `add_note` puts them (PEP 678), which fails for an error that forbids new attributes.
    """
    told = vars(error)
    kept = [one for one in told.get("__notes__", ()) if one not in told.get(_NOTES, ())]
    told["__notes__"] = kept + [one for one in notes if one not in said(error)]
    told[_NOTES] = tuple(notes)


def secrets_of(error: BaseException, servers: Sequence[Server]) -> Secrets:
    """What is known to be secret of the servers of a failure, and of the environment."""
    secrets = Secrets()
    learn_environment(secrets)
    if isinstance(error, StartError) and error.evidence is not None:
        learn_server(secrets, error.evidence)
    for server in servers:
        learn_server(secrets, server.evidence(error=error))
        learn_observations(secrets, server.observations)
    return secrets


def _diagnoses(error: BaseException, servers: Sequence[Server]) -> list[str]:
    found = (str(one) for server in servers for one in diagnose(server.evidence(error=error)))
    return list(dict.fromkeys(found))


def _sections(server: Server) -> Iterator[tuple[str, str]]:
    name = server.installation.id
    yield f"crashes of {name}", "\n".join(map(str, server.crashes()))
    yield f"error log of {name}", "\n".join(record.raw for record in server.log.records[-SHOWN_LINES:])
    yield f"seen from outside, {name}", "\n\n".join(map(in_words, server.observations))
    yield "to repeat by hand while a server runs on this configuration", "\n".join(map(shell_line, server.commands()))
    yield f"configuration of {name}", _numbered(server.instance.rendered.text)


def _numbered(text: str) -> str:
    return "\n".join(f"{number:4} {line}" for number, line in enumerate(text.splitlines(), 1))


def _is_warning(record: LogRecord) -> bool:
    return record.level is not None and SEVERITY[record.level] <= SEVERITY["warn"]
