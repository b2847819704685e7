"""Why httpd is not there: its own words, at the user's file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.httpd.errorlog import SEVERITY, LogRecord, parse
from pytest_modssl.httpd.problems import ConfigProblem, parse_config_error
from pytest_modssl.httpd.render import ERROR_LOG, MAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.httpd.config import ServerConfig
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered

# What to do, by the number of the line that tells why httpd ended; all were seen on 2.4.71.
_TO_DO = {
    "AH00072": "end what listens on that address and port, or name another in Listen",
    "AH02565": "give the virtual host a key and a certificate that belong together: a leaf of the CA has both",
    "AH02578": "give the key without a pass phrase, or name the program that tells it in the global directives: "
    "SSLPassPhraseDialog exec:/path/to/program",
    "AH02562": "a key or signature too weak for OpenSSL's security level: give a stronger one (key_type=), or lower "
    "the level in the global directives: SSLCipherSuite DEFAULT:@SECLEVEL=0",
    "AH01898": "name a suite in SSLCipherSuite that this OpenSSL has and mod_ssl allows; to every list it adds "
    "!aNULL:!eNULL:!EXP",
    "AH02572": "give the virtual host tls=, or SSLCertificateFile in its directives, or leave out SSLEngine on",
}
_SHOWN_LIBRARY_ERRORS = 2


def start_error(
    config: ServerConfig,
    installation: Installation,
    rendered: Rendered,
    folder: Path,
    *,
    status: int | None,
    seconds: float,
) -> StartError:
    """The error for a server that ended before it was ready, or was not ready in time.

    Args:
        config: what it should have served.
        installation: the httpd.
        rendered: the files it was started with.
        folder: where its output and logs are on this machine.
        status: its exit status; `None` when it still ran after `seconds`.
        seconds: how long it was given.
    """
    said = [line for name in ("stderr", "stdout") for line in _read(folder / name).splitlines() if line.strip()]
    records = parse(_read(folder / ERROR_LOG))
    # On a reload httpd's standard error is its error log already.
    said += [one.raw for one in records if one.level is None and one.raw.strip()]
    telling = [one for one in records if one.level is not None and SEVERITY[one.level] <= SEVERITY["warn"]]
    problem = parse_config_error("\n".join(said))
    lines = [_headline(installation, status, seconds)]
    lines.append(_place(problem, said, telling, rendered) or f"the configuration was made at {config.origin}")
    lines += [f"{'           ' if index else 'httpd said:'} {line}" for index, line in enumerate(said)]
    lines += ["its error log:", *_shortened(telling)] if telling else []
    hint = problem.hint if problem is not None else None
    hint = hint or next((todo for number, todo in _TO_DO.items() if number in "\n".join([*said, *lines])), None)
    lines += [f"to do: {hint}"] if hint else []
    return StartError("\n".join(lines), configuration=rendered.text)


def _shortened(records: list[LogRecord]) -> Iterator[str]:
    """The records as lines, without most of what OpenSSL's decoders say of a key: every format that it is not."""
    for number, record in enumerate(records):
        run = next((at for at, one in enumerate(reversed(records[: number + 1])) if one.ah), number + 1)
        if run <= _SHOWN_LIBRARY_ERRORS:
            yield f"  {record.raw}"
        elif run == _SHOWN_LIBRARY_ERRORS + 1:
            yield "  (and more errors of the library)"


def _headline(installation: Installation, status: int | None, seconds: float) -> str:
    if status is None:
        return f"httpd {installation.version} was not ready within {seconds:g} s"
    if status < 0:
        return f"httpd {installation.version} was ended by signal {-status} before it was ready"
    return f"httpd {installation.version} refused this configuration (exit status {status})"


def _place(problem: ConfigProblem | None, said: list[str], records: list[LogRecord], rendered: Rendered) -> str | None:
    """The user's own place that the messages are about, by line number, else by the virtual host that they name."""
    if problem is not None and problem.line is not None and not (problem.file or "").endswith(f"/{MAIN}"):
        return f"at {problem.file}:{problem.line}"
    if problem is not None and problem.line is not None:
        texts = rendered.text.splitlines()
        origin = rendered.locate(problem.line)
        if origin is not None:
            return f"at {origin}: {texts[problem.line - 1].strip()}"
        # Our own line is right: it closes a host whose text before it left something open.
        origin = rendered.locate(problem.line - 1)
        if origin is not None:
            return f"after {origin}: {texts[problem.line - 2].strip()}"
    hosts = (rendered.locate_host(text) for text in [*said, *(record.message for record in records)])
    return next((f"at {origin}: the virtual host that this is about" for origin in hosts if origin), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ""
