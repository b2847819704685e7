"""A bug report: all that httpd's FAQ asks for (question `bug-report`), without secrets, of a size that can be sent.

Each section is freed from secrets by itself, then cut: what is cut first could be half a secret that nobody knows.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

from pytest_modssl import __version__
from pytest_modssl.errors import ModsslAssertionError, StartError, said
from pytest_modssl.faq import diagnose
from pytest_modssl.http import described
from pytest_modssl.httpd.render import ENVIRONMENT
from pytest_modssl.report.known import directive_text, learn_environment, learn_observations, learn_server
from pytest_modssl.report.secrets import Secrets
from pytest_modssl.tls import Handshake, shell_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.faq import Diagnosis, Evidence
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server

LARGEST = 400_000
"""Bytes of UTF-8 that a report has at the most: mailing lists of Apache take mails of about a megabyte."""

# Before secrets are taken out, to bound the work: the wanted end of a section and a lot around it.
_RAW = 4
_LONGEST_LINE = 2000
_SERVERS = 3
_LOOK = 'uname -srm; . /etc/os-release 2>/dev/null && echo "$PRETTY_NAME"; openssl version -a 2>/dev/null'

SEND = """\
This is the order that httpd's FAQ names (https://httpd.apache.org/docs/2.4/ssl/ssl_faq.html#contact):
1. users@httpd.apache.org, the users' mailing list; subscribe first: https://httpd.apache.org/lists.html
2. the bug database, when the list could not help: https://httpd.apache.org/bug_report.html
A weakness that others could exploit goes to security@httpd.apache.org, and nowhere else:
https://httpd.apache.org/security_report.html
Say in your own words what you did, what you expected and what happened; nobody can help without that.
What pytest-modssl knew or took for a secret stands as [removed]. Look it through all the same before you send it.
Send no core: it holds all that httpd had in memory, private keys too."""


@dataclass(frozen=True)
class _Section:
    title: str
    text: str
    limit: int
    keep: Literal["beginning", "end"] = "beginning"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is known of one server, for a report.

    Attributes:
        evidence: of its start, its configuration and what was seen.
        records: its log, from its start on.
        observations: what was seen from outside.
        commands: command lines that repeat it.
        main: main configuration file, where httpd is and accepts it; empty where there is none.
        log: what to say of the log in its title.
        secrets: those that are known already.
    """

    evidence: Evidence
    records: Sequence[LogRecord]
    observations: Sequence[object] = ()
    commands: Sequence[Sequence[str]] = ()
    main: str = ""
    log: str = ""
    secrets: Secrets = field(default_factory=Secrets)


def bug_report(server: Server, *, error: BaseException | None = None, test: str = "") -> str:
    """All that a bug report about a server should have, as text without private keys and passwords.

    It has versions, build, modules, the configuration in effect with your own files and lines, the log and what was
    seen since the test began, the diagnoses, and it ends with where to send it.

    Args:
        server: a running server.
        error: what a test failed with.
        test: which test that was.
    """
    return report_of([case_of(server, error)], error=error, test=test)


def case_of(server: Server, error: BaseException | None = None) -> Case:
    """What is known of a running server."""
    case = Case(
        evidence=server.evidence(error=error),
        records=server.log.records,
        observations=tuple(server.observations),
        commands=server.commands(),
        main=server.instance.rendered.main,
    )
    for key in (server.instance.folder / "client").glob("*.key"):
        case.secrets.add_keys(key.read_bytes())
    return case


def secrets_of(cases: Sequence[Case]) -> Secrets:
    """What is known to be secret of some servers, and of the environment."""
    secrets = Secrets()
    learn_environment(secrets)
    for case in cases:
        secrets.update(case.secrets)
        learn_server(secrets, case.evidence)
        learn_observations(secrets, case.observations)
        for record in case.records:
            secrets.learn_from(record.raw)
    return secrets


def report_of(
    cases: Sequence[Case], *, error: BaseException | None = None, test: str = "", secrets: Secrets | None = None
) -> str:
    """The report about some servers, three of them at the most, and a failure that they had part in.

    Args:
        cases: what is known of the servers.
        error: the failure.
        test: the test that failed.
        secrets: `secrets_of` the cases, where that is known already.
    """
    secrets = secrets_of(cases[:_SERVERS]) if secrets is None else secrets
    sections = [_Section("What was expected and what was seen", "\n".join(_failure(error, test)), 16_000)]
    sections.append(_Section("Diagnoses", _diagnoses(cases, error), 16_000))
    for case in cases[:_SERVERS]:
        sections += _sections(case)
    sections.append(_Section("Where to send it", SEND, 4_000))
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    head = f"Bug report made by pytest-modssl {__version__}, {made}"
    return "\n\n".join([head, *(_shown(one, secrets, parts=len(cases[:_SERVERS])) for one in sections if one.text)])


def _failure(error: BaseException | None, test: str) -> Iterator[str]:
    if test:
        yield f"test: {test}"
    if isinstance(error, ModsslAssertionError):
        yield from (error.headline, *(f"  {one}" for one in error.mismatches))
    elif error is not None:
        yield f"{type(error).__name__}: {said(error)}"


def _diagnoses(cases: Sequence[Case], error: BaseException | None) -> str:
    found: Sequence[Diagnosis]
    if isinstance(error, ModsslAssertionError | StartError):
        found = error.diagnoses
    else:
        found = [one for case in cases for one in diagnose(case.evidence)]
    return "\n\n".join(dict.fromkeys(map(str, found)))


def _sections(case: Case) -> Iterator[_Section]:
    evidence, installation = case.evidence, case.evidence.installation
    yield _Section("Versions", "\n".join(_versions(installation)), 6_000)
    file = ("-f", case.main) if case.main else ()  # it names the MPM
    yield _Section("Build (httpd -V)", _said(installation, "-V", *file), 6_000)
    yield _Section("Modules", _modules(case), 10_000)
    yield _Section("Crashes", "\n\n".join(map(str, evidence.crashes)), 16_000)
    yield _Section("Configuration in effect", "\n".join(_configuration(evidence)), 40_000)
    lines = [one.raw for one in (*evidence.start.lines, *case.records)]
    yield _Section(f"Log{case.log}", "\n".join(dict.fromkeys(lines)), 40_000, "end")
    yield _Section("Seen from outside", "\n\n".join(map(in_words, case.observations)), 30_000, "end")
    yield _Section("To repeat it by hand", "\n".join(map(shell_line, case.commands)), 6_000, "end")


def _versions(installation: Installation) -> Iterator[str]:
    built = installation.openssl_built
    yield f"httpd {installation.version}"
    if installation.openssl is None:
        yield "no mod_ssl"
    else:
        yield f"{installation.tls_library} {installation.openssl}, as mod_ssl loads it" + (
            f"; mod_ssl was built with {built}" if built else ""
        )
    yield from installation.run(["sh", "-c", _LOOK]).stdout.splitlines()
    yield f"pytest-modssl {__version__} on Python {platform.python_version()}"


def _said(installation: Installation, *arguments: str) -> str:
    answer = installation.ask(arguments)
    return (answer.stdout + answer.stderr).strip()


def _modules(case: Case) -> str:
    """Those that a configuration loads; where httpd refuses it, those compiled in and what the file names."""
    installation = case.evidence.installation
    if case.main:
        return _said(installation, "-t", "-D", "DUMP_MODULES", "-f", case.main)
    loaded = [f"  {name}_module (LoadModule)" for name in case.evidence.rendered.modules]
    return "\n".join([_said(installation, "-l"), *loaded])


def _configuration(evidence: Evidence) -> Iterator[str]:
    """Every directive that is in effect, and where the user has it."""
    opened: list[str] = []
    for used in evidence.directives:
        if used.place is not None and used.place.origin.file.endswith(f"/{ENVIRONMENT}"):
            continue  # ours, and longer than all the rest
        while len(opened) > len(used.sections):
            closed = opened.pop()
            yield f"{'    ' * len(opened)}</{closed}>"
        place = "" if used.place is None else f"  # {used.place.origin}"
        yield f"{'    ' * len(opened)}{directive_text(used)}{place}"
        if used.text.startswith("<"):
            opened.append(used.name)
    while opened:
        closed = opened.pop()
        yield f"{'    ' * len(opened)}</{closed}>"


def in_words(observation: object) -> str:
    """An observation as a failure shows it: a handshake with its transcript."""
    return f"{observation}\n{observation.transcript}" if isinstance(observation, Handshake) else described(observation)


def _shown(section: _Section, secrets: Secrets, *, parts: int) -> str:
    limit = section.limit if parts < 2 else section.limit * 2 // (parts + 1)
    text = cleaned(section.text, secrets, limit, section.keep)
    return f"{section.title}\n{'=' * len(section.title)}\n{text}"


def cleaned(text: str, secrets: Secrets, limit: int, keep: Literal["beginning", "end"] = "beginning") -> str:
    """A text without secrets, of `limit` bytes at the most, and then how many lines there were besides."""
    text = _cut(text, _RAW * limit, keep, line=_RAW * _LONGEST_LINE)
    return _cut(secrets.removed_from(text), limit, keep, line=_LONGEST_LINE)


def _cut(text: str, limit: int, keep: Literal["beginning", "end"], *, line: int) -> str:
    """The lines from one side that are no more than so many bytes, and how many there were besides."""
    lines = [one if len(one) <= line else f"{one[:line]} ..." for one in text.strip("\n").split("\n")]
    kept: list[str] = []
    size = 0
    for one in lines if keep == "beginning" else reversed(lines):
        size += len(one.encode("utf-8", "surrogateescape")) + 1
        if size > limit:
            break
        kept.append(one)
    left_out = len(lines) - len(kept)
    note = [f"({left_out} more lines not shown)"] if left_out else []
    return "\n".join([*kept, *note] if keep == "beginning" else [*note, *reversed(kept)])
