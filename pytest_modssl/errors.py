"""The errors that pytest-modssl raises; each message says what was tried, what came back, and what to do."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.faq.entry import Diagnosis
    from pytest_modssl.faq.evidence import Evidence


def said(error: BaseException | None) -> str:
    """The text of anybody's error, also of one that cannot say it; empty for none."""
    try:
        return "" if error is None else str(error)
    except Exception:  # noqa: BLE001 - it is the user's: it may read what is not there, or return no text
        return f"<{type(error).__name__} without a text: its str() fails>"


class ModsslError(Exception):
    """Base of every error that this package raises on its own account."""


class HttpdNotFoundError(ModsslError):
    """No httpd could be found, or what was named is none."""


class MissingModuleError(ModsslError):
    """The configuration needs a module that the httpd at hand does not have."""


class MissingProgramError(ModsslError):
    """A program that was asked for is not where it would have to run."""


class ConfigError(ModsslError):
    """A configuration cannot be written as it was asked for (before httpd saw it)."""


class ProgramWarning(UserWarning):
    """A repository's configuration has programs run on this machine; see `modssl_programs`."""


class IdleSettingWarning(UserWarning):
    """A setting speaks of a virtual host or a check that no configuration has: it is misspelt, or has become idle."""


class RevisionError(ModsslError):
    """A revision of a repository cannot be had from git."""


class StartError(ModsslError):
    """httpd refused to start, or ended before it was ready.

    Attributes:
        configuration: the main file that it was started with.
        diagnoses: what the message says about the cause, most likely first.
        evidence: all that is known of the start; `None` where there was none.
    """

    def __init__(
        self,
        message: str,
        *,
        configuration: str = "",
        diagnoses: Sequence[Diagnosis] = (),
        evidence: Evidence | None = None,
    ) -> None:
        super().__init__(message)
        self.configuration = configuration
        self.diagnoses = tuple(diagnoses)
        self.evidence = evidence


class ServerGoneError(ModsslError):
    """The server ended, or lost a child, while it was in use."""


class LogLostError(ModsslError):
    """What a server logs can no longer be written: a test that passes would not know of its errors."""


class WaitTimeoutError(ModsslError):
    """Something awaited did not come about before its deadline."""


class TlsError(ModsslError):
    """A TLS exchange could not be carried out as asked (not: was refused by the peer)."""


class LoadError(ModsslError):
    """A load was asked for that is out of bounds, or that would not go to a server of ours."""


class RecordError(TlsError):
    """Bytes on the wire are not TLS, or not well formed."""


class UnknownHostError(ModsslError):
    """A name or port was asked for that no virtual host of the configuration serves."""


class AnswerError(ModsslError):
    """An answer of HTTP is longer than what is kept of one."""


class EnvironmentPageError(ModsslError):
    """A page that should show the SSL_* variables did not (not run, not parsed, or rubbish)."""


class PkiError(ModsslError):
    """A key, certificate, request or list cannot be made, read or shown as it was asked for."""


class BackendError(ModsslError):
    """A back end cannot be stood in for, or is none of those that are."""


class CaptureError(ModsslError):
    """More went over the wire than a capture keeps."""


class FetchError(ModsslError):
    """An httpd that is had without an installation cannot be fetched, built, unpacked or kept."""


class UnknownEntryError(ModsslError):
    """The catalogue has no entry of that id."""


class PolicyError(ModsslError):
    """There is no policy of that name and version, or it does not speak of that."""


class ProjectError(ModsslError):
    """A project's own configuration cannot be read."""


class TableError(ModsslError):
    """A table of URLs cannot be read, or one of its rows cannot be run."""


class DurationsError(ModsslError):
    """Recorded durations of tests cannot be read or written."""


class ReportError(ModsslError):
    """The report of a run cannot be written."""


class EngineError(ModsslError):
    """A container engine cannot be had, or did not do what it was asked for.

    Attributes:
        reason: which kind of failure: `"absent"`, `"permission"`, `"silent"`, `"stopped"`, `"no-image"`,
            `"no-registry"`, `"architecture"`, `"shell"` (the image has none), `"disk"`, `"port"`, `"container"` (it
            ended), `"memory"` (that was why) or `"other"`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as expected, in words that can stand in a message."""

    what: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, seen {self.seen}"


class ModsslAssertionError(AssertionError):
    """An expectation about a server that did not hold; the message has all of it, the decisive part first.

    Attributes:
        headline: what was looked at, in one line.
        mismatches: everything that is not as expected.
        diagnoses: what the message says about the cause, most likely first.
        seen: the observations that it is about.
        commands: command lines that repeat them.
    """

    def __init__(
        self,
        message: str,
        *,
        headline: str,
        mismatches: Sequence[Mismatch],
        diagnoses: Sequence[Diagnosis] = (),
        seen: Sequence[object] = (),
        commands: Sequence[Sequence[str]] = (),
    ) -> None:
        super().__init__(message)
        self.headline = headline
        self.mismatches = tuple(mismatches)
        self.diagnoses = tuple(diagnoses)
        self.seen = tuple(seen)
        self.commands = tuple(commands)


def how_ended(status: int) -> str:
    """An exit status in words, after the name of what ended: "ended with status 1", "was ended by signal 9 (SIGKILL)".

    Args:
        status: negative for a signal.
    """
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by signal {-status} ({signal.Signals(-status).name})"
    except ValueError:  # one of those for real time
        return f"was ended by signal {-status}"
