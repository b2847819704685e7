"""The variables that mod_ssl gives to applications, read out of a running server in three ways.

- `cgi`: the page `fixtures/pages/env.cgi` prints its environment; what any CGI program would get.
- `ssi`: the page `fixtures/pages/env.shtml` prints it by mod_include's `printenv`; no program is run.
- `header`: mod_headers' `%{NAME}s` in every answer to a request that asks for it; needs no page and no `StdEnvVars`.

What is absent, what is empty, and what is the text "(null)" stay three different things. The header form cannot tell:
mod_headers writes "(null)" for the first two as well (measured on httpd 2.4.71).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from cryptography import x509

from pytest_modssl.certificates import read_certificate
from pytest_modssl.errors import EnvironmentPageError, PkiError
from pytest_modssl.httpd.variables import GROUPS, HEADER, kind_of

if TYPE_CHECKING:
    import requests

Via = Literal["cgi", "ssi", "header"]

_PAGES: dict[str, str] = {"cgi": "env.cgi", "ssi": "env.shtml"}
_FIRST_LINE = "modssl-environment/1"
_LAST_LINE = "."
ASK: Mapping[str, str] = {HEADER: "1"}
NULL = "(null)"

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_PEM_BEGIN, _PEM_END = "-----BEGIN ", "-----END "
# Python reads no number of more than 4300 digits (sys.set_int_max_str_digits); none of mod_ssl's has 20.
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_FLAGS = {"true": True, "false": False, "on": True, "off": False}


class Fields(Protocol):
    """Header fields of an answer, found by their names in any case."""

    def get(self, name: str, /) -> str | None:
        """The value of a field; `None` without it."""


@dataclass(frozen=True, eq=False)
class SslEnvironment(Mapping[str, str]):
    """The variables that one request saw, as a mapping of name to value.

    Attributes:
        url: the page they were read from.
        via: in which way: "cgi", "ssi" or "header".
        variables: all of them, those of CGI itself included where the page shows them.
    """

    url: str
    via: Via
    variables: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def value(self, name: str) -> str | int | bool | datetime | x509.Certificate | None:
        """The value of a variable as what it holds, by the table of mod_ssl's manual; `None` where it is empty.

        `HTTPS` is a bool, `SSL_CIPHER_USEKEYSIZE` an int, `SSL_SERVER_M_SERIAL` too, `SSL_SERVER_V_END` a time in UTC,
        `SSL_SERVER_CERT` a certificate; all else is text. In the header form "(null)" counts as empty.

        Raises:
            EnvironmentPageError: where it is absent, or holds something else.
        """
        text = self._present(name)
        if text == "" or (self.via == "header" and text == NULL):
            return None
        readers: dict[str, Callable[[str], int | bool | datetime | x509.Certificate]] = {
            "flag": self.flag,
            "number": self.number,
            "serial": self._serial,
            "time": self.time,
            "certificate": self._certificate,
        }
        read = readers.get(kind_of(name))
        return text if read is None else read(name)

    def _serial(self, name: str) -> int:
        value = self._present(name)
        if not re.fullmatch(r"[0-9A-F]+", value):
            raise EnvironmentPageError(f"{name} at {self.url} is {value!r}, which is no number in hex")
        return int(value, 16)

    def _certificate(self, name: str) -> x509.Certificate:
        value = self._present(name)
        try:
            return read_certificate(value.encode(), load=x509.load_pem_x509_certificate)
        except PkiError:
            raise EnvironmentPageError(f"{name} at {self.url} is {_short(value)!r}, which is no certificate") from None

    def number(self, name: str) -> int:
        """The value of a variable that is a whole number, such as `SSL_CIPHER_USEKEYSIZE`."""
        value = self._present(name)
        if not _NUMBER.fullmatch(value):
            raise EnvironmentPageError(f"{name} at {self.url} is {value!r}, which is no number")
        return int(value)

    def flag(self, name: str) -> bool:
        """The value of a variable that is on or off, true or false, such as `SSL_SECURE_RENEG`."""
        value = self._present(name)
        if value not in _FLAGS:
            raise EnvironmentPageError(f"{name} at {self.url} is {value!r}, which is none of {', '.join(_FLAGS)}")
        return _FLAGS[value]

    def time(self, name: str) -> datetime:
        """The value of a variable that is a point in time, such as `SSL_SERVER_V_END`; always UTC."""
        value = self._present(name)
        try:
            # The form of OpenSSL's ASN1_TIME_print: "Nov 23 16:19:06 2026 GMT".
            return datetime.strptime(value, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc)
        except ValueError:
            raise EnvironmentPageError(f"{name} at {self.url} is {value!r}, which is no time") from None

    def _present(self, name: str) -> str:
        if name not in self.variables:
            raise EnvironmentPageError(
                f"{name} is absent at {self.url} (via {self.via}): is SSLOptions +StdEnvVars on?"
            )
        return self.variables[name]

    def __str__(self) -> str:
        shown = sorted(name for name in self.variables if name == "HTTPS" or name.startswith("SSL_"))
        lines = [f"{len(shown)} variables of mod_ssl at {self.url} (via {self.via})"]
        lines += [f"  {name}={_short(self.variables[name])}" for name in shown]
        return "\n".join(lines)


def _short(value: str) -> str:
    first, *others = value.splitlines() or [""]
    return f"{first} (and {len(others)} more lines)" if others else first


def page_url(url: str, via: Via) -> str:
    """The URL of the page to ask: one that ends in "/" names the folder with the page of that kind."""
    page = _PAGES.get(via)
    return url + page if page is not None and urlsplit(url).path.endswith("/") and not urlsplit(url).query else url


def read_environment(session: requests.Session, url: str, *, via: Via = "cgi") -> SslEnvironment:
    """The variables that a request to `url` sees.

    Args:
        session: as `open_session` gives it.
        url: of the page, or (ending in "/") of the folder with env.cgi or env.shtml; with `via="header"` of anything.
        via: "cgi", "ssi" or "header".

    Raises:
        EnvironmentPageError: the page was not there, not run, or did not print what it should.
        requests.RequestException: the request itself failed.
        ValueError: an unknown `via`.
    """
    if via not in (*_PAGES, "header"):
        raise ValueError(f"unknown via={via!r}: use one of cgi, ssi, header")
    headers = ASK if via == "header" else {}
    return environment_of(session.get(page_url(url, via), headers=headers, allow_redirects=False), via)


def environment_of(response: requests.Response, via: Via) -> SslEnvironment:
    """The variables that an answer shows; arguments and errors as for `read_environment`.

    For `via="header"` the request must have had the fields of `ASK`.
    """
    if via == "header":
        return environment_of_headers(response.url, response.status_code, response.headers)
    text = response.content.decode("utf-8", "backslashreplace")
    if response.status_code != 200 or not text.startswith(_FIRST_LINE + "\n"):
        raise EnvironmentPageError(_what_went_wrong(response, via))
    if via == "ssi" and "<!--#printenv" in text:
        advice = 'set "Options +Includes" and "AddOutputFilter INCLUDES .shtml", and load mod_include'
        raise EnvironmentPageError(_failure(response, via, "it was sent as it is, not run", advice))
    lines = text.split("\n")
    if lines[-2:] != [_LAST_LINE, ""]:
        raise EnvironmentPageError(_failure(response, via, "it breaks off before its end", "look at the error log"))
    parse = _from_cgi if via == "cgi" else _from_ssi
    return SslEnvironment(response.url, via, parse(lines[1:-2]))


def environment_of_headers(url: str, status: int, headers: Fields) -> SslEnvironment:
    """The variables that the header fields of an answer show, where its request had the fields of `ASK`.

    Args:
        url: what was asked for.
        status: of the answer.
        headers: its fields, by names in any case.

    Raises:
        EnvironmentPageError: the fields are not there.
    """
    return SslEnvironment(url, "header", _from_headers(url, status, headers))


def _from_cgi(lines: list[str]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if line.startswith("="):
            name = line[1:]
            values[name] = []
        elif line.startswith(" ") and name:
            values[name].append(line[1:])
        else:
            raise EnvironmentPageError(f"the environment page printed the line {line!r}: neither a name nor a value")
    return {name: "\n".join(value) for name, value in values.items()}


def _from_ssi(lines: list[str]) -> dict[str, str]:
    # printenv marks no end of a value. Only certificates have several lines, and base64 can look like an assignment.
    values: dict[str, str] = {}
    name = ""
    for line in lines:
        assignment = _ASSIGNMENT.fullmatch(line)
        inside = bool(name) and _PEM_BEGIN in values[name] and _PEM_END not in values[name]
        if assignment and not inside:
            name = assignment[1]
            values[name] = assignment[2]
        elif name:
            values[name] += "\n" + line
        else:
            raise EnvironmentPageError(f"the environment page printed the line {line!r} before any variable")
    return {name: html.unescape(value) for name, value in values.items()}


def _from_headers(url: str, status: int, headers: Fields) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, names in enumerate(GROUPS, 1):
        field = headers.get(f"{HEADER}-{number}")
        if field is None:
            raise EnvironmentPageError(
                f"{url} answered {status} without {HEADER}-{number}: the lines of "
                "pytest_modssl.httpd.variables.header_directives() are not in force there "
                "(mod_headers, `Header` further inside?)"
            )
        # http.client reads fields as Latin-1; a name in UTF-8 inside a certificate stays UTF-8 on the wire.
        text = field.encode("latin-1").decode("utf-8", "backslashreplace")
        name = names[0]
        for part in text.split("\t"):
            known, _, value = part.partition("=")
            if known in names:
                name, values[known] = known, value
            else:
                values[name] = values.get(name, "") + "\t" + part
    return {name: _with_line_ends(value) for name, value in values.items()}


def _with_line_ends(value: str) -> str:
    # mod_headers turns the line ends of PEM into spaces (unwrap_header in mod_headers.c).
    if not value.startswith(_PEM_BEGIN):
        return value
    return re.sub(r" (?!CERTIFICATE-----)", "\n", value)


def _what_went_wrong(response: requests.Response, via: Via) -> str:
    status, body = response.status_code, response.content
    if status in {301, 302, 303, 307, 308}:
        where = response.headers.get("Location")
        return _failure(response, via, f"it redirects to {where}", "ask for the page where it is")
    if status == 404:
        advice = f"put fixtures/pages/{_PAGES[via]} of pytest-modssl there"
        return _failure(response, via, "there is no such page", advice)
    if status == 403:
        advice = 'look at the error log: "Options +ExecCGI", "Require all granted", or the rights of file and folders'
        return _failure(response, via, "the server refuses it", advice)
    if status in {500, 503}:
        advice = "look at the error log: the script must be executable, and its interpreter must be there"
        return _failure(response, via, "the page could not be run", advice)
    if status != 200:
        return _failure(response, via, "the page was expected to answer 200", "look at the error log")
    if body.startswith(b"#!"):
        advice = 'set "Options +ExecCGI" and "AddHandler cgi-script .cgi", and load mod_cgid or mod_cgi'
        return _failure(response, via, "the script was sent as text, not run", advice)
    if not body:
        return _failure(response, via, "the page printed nothing", "look at the error log for what it wrote there")
    advice = f"the page must print what fixtures/pages/{_PAGES[via]} prints, and nothing before it"
    return _failure(response, via, "it is not the environment page", advice)


def _failure(response: requests.Response, via: Via, problem: str, advice: str) -> str:
    start = response.content[:80]
    return (
        f"no SSL variables from {response.url} (via {via}): {problem}. "
        f"It answered {response.status_code} {response.reason}, beginning {start!r}. What to do: {advice}."
    )
