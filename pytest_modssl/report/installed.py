"""The bug report about an installed httpd and the configuration that it has."""

from __future__ import annotations

import posixpath
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_modssl.errors import ConfigError
from pytest_modssl.faq import Evidence, Start
from pytest_modssl.httpd.config import ServerConfig
from pytest_modssl.httpd.dumps import check_syntax, effective_config
from pytest_modssl.httpd.errorlog import parse
from pytest_modssl.httpd.render import Rendered
from pytest_modssl.httpd.snippet import Origin, Snippet
from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.report.bug import Case, report_of

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation

_LOG_LINES = 400
# What Debian's start script sets for a configuration (apache2ctl); nothing where that file is not there.
_VARIABLES = '. "$1" >/dev/null 2>&1 && env | grep "^APACHE_"'


def report_of_installation(installation: Installation, file: str = "") -> str:
    """The report about an httpd.

    Args:
        installation: the httpd.
        file: its main configuration file, where it is; empty for the one that it was built to read.

    Raises:
        ConfigError: when the file that was named is not there.
    """
    main = file or str(installation.config_file)
    if not posixpath.isabs(main):
        main = posixpath.abspath(main)
    there = installation.run(["test", "-r", main]).returncode == 0
    if file and not there:
        raise ConfigError(f"{file} cannot be read where httpd is ({installation.binary})")
    return report_of([_case(installation, main) if there else _bare(installation, main)])


def _written_by_others(main: str, text: str) -> Rendered:
    """A configuration of which every line is the user's own."""
    snippet = Snippet(text, Origin(main, 1))
    return Rendered(
        main=main,
        files=MappingProxyType({}),
        folders=(),
        writable=(),
        modules=(),
        text=text,
        origins=tuple((snippet, index) for index, _ in enumerate(text.splitlines())),
        owners=(),
        hosts=MappingProxyType({}),
    )


def _bare(installation: Installation, main: str) -> Case:
    start = Start(
        ready=False, lines=tuple(parse(f"there is no configuration at {main}, where this httpd looks for it"))
    )
    return Case(evidence=_evidence(installation, start, "", {}), records=())


def _case(installation: Installation, file: str) -> Case:
    variables = _variables(installation, file)
    checked = check_syntax(installation, file, env=variables)
    main = file if checked.ok else ""
    start = Start(ready=checked.ok, status=None if checked.ok else 1, lines=tuple(parse(checked.output)))
    evidence = _evidence(installation, start, file, variables)
    path = _error_log(evidence, variables)
    if not path:
        return Case(evidence=evidence, records=(), main=main, log=" (no file that ErrorLog names is known)")
    ran = installation.run(["tail", "-n", str(_LOG_LINES), path])
    if ran.returncode != 0:
        return Case(evidence=evidence, records=(), main=main, log=f" ({path} cannot be read: {ran.stderr.strip()})")
    return Case(evidence=evidence, records=parse(ran.stdout), main=main, log=f" (the end of {path})")


def _evidence(installation: Installation, start: Start, main: str, variables: dict[str, str]) -> Evidence:
    return Evidence(
        installation=installation,
        config=ServerConfig(),
        rendered=_written_by_others(main, installation.run(["cat", main]).stdout if main else ""),
        start=start,
        dump=lambda: effective_config(installation, main, env=variables) if main else (),
    )


def _variables(installation: Installation, main: str) -> dict[str, str]:
    """What the configuration uses as `${NAME}` and a start script would set."""
    file = posixpath.join(posixpath.dirname(main), "envvars")
    said = installation.run(["sh", "-c", _VARIABLES, "variables", file]).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def _error_log(evidence: Evidence, variables: dict[str, str]) -> str:
    """Path of the log of the main server; empty where it is no file."""
    used = evidence.find("ErrorLog")
    value = (
        used.words[0] if used is not None and used.words else evidence.installation.settings.get("DEFAULT_ERRORLOG", "")
    )
    value = re.sub(r"\$\{(\w+)\}", lambda found: variables.get(found[1], found[0]), value)
    if value.startswith(("|", "syslog")) or not value:
        return ""
    # ServerRoot is not among the directives in effect (measured on httpd 2.4.71).
    roots = (one.arguments[0] for one in directives_in(evidence.rendered.text) if one.name.lower() == "serverroot")
    return posixpath.join(next(roots, str(evidence.installation.server_root)), value)
