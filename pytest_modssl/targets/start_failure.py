"""Why httpd is not there: its own words, at the user's file and line."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.httpd.errorlog import SEVERITY, LogRecord, parse
from pytest_modssl.httpd.modules import module_of_directive, package_of_module
from pytest_modssl.httpd.render import ERROR_LOG, MAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.httpd.config import ServerConfig
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered

# "AH00526: Syntax error on line 5 of /path/httpd.conf:", "httpd.conf:9: <VirtualHost> was not closed." and their like.
_PLACES = (
    re.compile(rf"line (?P<line>\d+) of \S*/{re.escape(MAIN)}"),
    re.compile(rf"/{re.escape(MAIN)}:(?P<line>\d+):"),
)
_UNKNOWN = re.compile(r"Invalid command '(?P<name>[^']+)'")


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
    telling = [one for one in records if one.level is not None and SEVERITY[one.level] <= SEVERITY["warn"]]
    lines = [_headline(installation, status, seconds)]
    origin = _origin(said, telling, rendered)
    lines.append(f"at {origin}" if origin else f"the configuration was made at {config.origin}")
    lines += [f"httpd said: {line}" if not index else f"            {line}" for index, line in enumerate(said)]
    lines += ["its error log:", *(f"  {record.raw}" for record in telling)] if telling else []
    lines += _advice("\n".join([*said, *(record.raw for record in telling)]), installation)
    lines.append(
        f"it was run as: {shlex.join([str(installation.binary), '-d', str(folder), '-f', str(folder / MAIN)])}"
    )
    return StartError("\n".join(lines))


def _headline(installation: Installation, status: int | None, seconds: float) -> str:
    if status is None:
        return f"httpd {installation.version} was not ready within {seconds:g} s"
    if status < 0:
        return f"httpd {installation.version} was ended by signal {-status} before it was ready"
    return f"httpd {installation.version} refused this configuration (exit status {status})"


def _origin(said: list[str], records: list[LogRecord], rendered: Rendered) -> str | None:
    """The user's own place that the messages are about, by line number, else by the virtual host that they name."""
    for match in (match for line in said for place in _PLACES if (match := place.search(line))):
        number = int(match["line"])
        origin = rendered.locate(number)
        if origin is not None:
            return f"{origin}: {rendered.text.splitlines()[number - 1].strip()}"
    hosts = (rendered.locate_host(text) for text in [*said, *(record.message for record in records)])
    return next((f"{origin}: the virtual host that this is about" for origin in hosts if origin), None)


def _advice(text: str, installation: Installation) -> Iterator[str]:
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        module = module_of_directive(unknown["name"])
        if module is None:
            yield f"to do: no module of httpd has a directive {unknown['name']}; correct its name"
        elif module in installation.modules:
            yield f"to do: {unknown['name']} is of mod_{module}; name it: ServerConfig(..., modules=[{module!r}])"
        else:
            package = package_of_module(module, installation.layout)
            yield f"to do: {unknown['name']} is of mod_{module}, which this httpd does not have: {package}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ""
