"""A report as a file, whole or not at all, in the form that its name tells."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl import __version__
from pytest_modssl.errors import ReportError
from pytest_modssl.report.whole.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_modssl.report.whole.value.run import Report


def program() -> str:
    """What made the report: this package, Python and the system."""
    return f"pytest-modssl {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def as_json(report: Report) -> str:
    """The report as data; `schema.json` beside this module describes it."""
    return json.dumps(plain(report, whole=True), indent=1, ensure_ascii=False) + "\n"


def _as_html(report: Report) -> str:
    from pytest_modssl.report.whole.html import as_html  # noqa: PLC0415 - jinja2 loads when it is asked for

    return as_html(report)


def _as_sarif(report: Report) -> str:
    from pytest_modssl.report.whole.sarif import as_sarif  # noqa: PLC0415

    return as_sarif(report)


_FORMS: Mapping[str, Callable[[Report], str]] = {".html": _as_html, ".json": as_json, ".sarif": _as_sarif}


def write(report: Report, file: Path) -> None:
    """Writes a report to a file, whose folder is made.

    Args:
        report: the report.
        file: `*.html`, `*.json` or `*.sarif`.

    Raises:
        ReportError: when it cannot be written.
    """
    text = _FORMS[file.suffix.lower()](report)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ReportError(f"cannot write the report {file}: {error.strerror}; name another place for it") from None
