"""Tables of URLs: what each row asks for and expects. Pure: text in, rows out; docs/url-tables.md is for users."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

from pytest_modssl.errors import TableError, TlsError
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.bounds import LARGEST_FILE
from pytest_modssl.tls.hostname import to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

Taken = TypeVar("Taken")

# RFC 9110 15.4: the statuses by which a client goes elsewhere by itself.
REDIRECTS = (301, 302, 303, 307, 308)

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_YAML = frozenset({".yaml", ".yml"})
_COLUMNS = ("from", "status", "to", "follow")
_WORDS = {"": False, "no": False, "yes": True}
_HOST_COMMENT = re.compile(r"#\s*host:\s*(?P<url>\S*)\s*", re.IGNORECASE)
_HEX = re.compile(r"%[0-9a-fA-F]{2}")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# All of ASCII that can be seen, as quote() is here for what is beyond it.
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
# A key of YAML at the beginning of a line, and what it is in a table of the form of httpbb.
_TOP_KEY = re.compile(r"^(?![\s#\-%.}\]])\S.*$", re.MULTILINE)
_HOST_KEY = re.compile(r"""(?:\?\s+)?["'\[]*https?://.*""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request, and what its answer must be.

    Attributes:
        origin: file and line of the row.
        url: absolute, in ASCII.
        method: of the request.
        request_headers: sent with it, beyond `Host`.
        body: sent with it.
        status: one of these; empty for any.
        location: where `Location` must lead, or with `follow` the URL at the end; absolute. `None` for anywhere.
        headers: that the answer must have, with exactly these values; names in any case.
        headers_regex: likewise, with values in which these patterns are found.
        headers_absent: that it must not have.
        body_contains: pieces of text that its body must have.
        body_regex: patterns that must be found in it; `^` and `$` stand for the ends of lines.
        follow: whether redirects are followed, and it is the last answer that counts.
    """

    origin: Origin
    url: str
    method: str = "GET"
    request_headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    status: tuple[int, ...] = ()
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    headers_regex: tuple[tuple[str, re.Pattern[str]], ...] = ()
    headers_absent: tuple[str, ...] = ()
    body_contains: tuple[str, ...] = ()
    body_regex: tuple[re.Pattern[str], ...] = ()
    follow: bool = False

    @property
    def title(self) -> str:
        """What it is about, in a few words: `https://www.example.com/old -> 301`."""
        method = "" if self.method == "GET" else f"{self.method} "
        return f"{method}{self.url} -> {status_words(self.status) if self.status else 'answer'}"


def status_words(statuses: Sequence[int]) -> str:
    """The statuses that a row allows, as a table has them: `301`, `301|308`, `redirect`."""
    return "redirect" if tuple(statuses) == REDIRECTS else "|".join(map(str, statuses))


def is_table(path: Path) -> bool:
    """Whether a file is a table of URLs: `*.urls.csv`, `*.urls.tsv`, or YAML whose keys are all `http(s)://host`."""
    if path.suffix in _DELIMITERS:
        return path.stem.endswith(".urls")
    if path.suffix not in _YAML:
        return False
    if path.stem.endswith(".urls"):
        return True
    try:
        text = path.read_text(encoding="utf-8-sig") if path.stat().st_size <= LARGEST_FILE else ""
    except (OSError, UnicodeDecodeError):
        return False
    keys = _TOP_KEY.findall(text)
    return bool(keys) and all(_HOST_KEY.match(key) for key in keys) and "path:" in text


def read_table(path: Path) -> tuple[Row, ...]:
    """The rows of a table, in order.

    Raises:
        TableError: with file and line, what stands there and what may: for a file that cannot be read or has no row,
            an unknown column or key, a status or URL that is none; for YAML without PyYAML.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise TableError(f"{path} is larger than {LARGEST_FILE // 1_000_000} MB: part it")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: byte {error.start + 1} is not UTF-8: save the table as UTF-8") from None
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from None
    if path.suffix in _YAML:
        from pytest_modssl.repo.httpbb import read_httpbb  # noqa: PLC0415 - what only tables in YAML need

        rows = tuple(read_httpbb(text, str(path)))
    else:
        rows = tuple(_read_columns(text, str(path), _DELIMITERS[path.suffix]))
    if not rows:
        raise TableError(f"{path} has no row: it must have one at least, or not be there")
    return rows


def request_url(text: str, base: str = "") -> str:
    """A URL as it is asked for: absolute, its host as A-labels, whatever is not ASCII percent-encoded (RFC 3987 3.1).

    Args:
        text: absolute, or a path on `base`.
        base: `https://host` or `https://host:port`; empty where there is none.

    Raises:
        ValueError: in words that follow the URL.
    """
    if text.startswith("/") and not text.startswith("//"):
        if not base:
            raise ValueError("is a path, and no line '# host: https://...' above says of which host")
        text = base + text
    _check_characters(text)
    parts = urlsplit(text)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("is neither a URL that begins with http://host or https://host, nor a path that begins with /")
    if "@" in parts.netloc:
        raise ValueError("has a user name: send an Authorization header instead")
    if parts.fragment:
        raise ValueError("has a fragment (#...), which is never sent")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("has a port that is not a number from 0 to 65535") from None
    host = _host(parts.hostname)
    netloc = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return _ascii(urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")))


def leads_to(url: str, location: str) -> str:
    """Where a `Location` leads (RFC 9110 10.2.2), in the one form that equal URLs have (RFC 3986 6.2.2, 6.2.3)."""
    target, fragment = urldefrag(urljoin(url, location))
    parts = urlsplit(target)
    netloc = parts.netloc.lower()
    if parts.scheme in _DEFAULT_PORTS:
        netloc = netloc.removesuffix(f":{_DEFAULT_PORTS[parts.scheme]}")
        parts = parts._replace(path=parts.path or "/")
    whole = urlunsplit(parts._replace(netloc=netloc, fragment=fragment))
    return _HEX.sub(lambda found: found[0].upper(), _ascii(whole))


def target_url(text: str, url: str) -> str:
    """Where a redirect must lead, absolute: `text` is a URL or a path on the host of `url`.

    Raises:
        ValueError: in words that follow it.
    """
    _check_characters(text)
    parts = urlsplit(text)
    if not parts.scheme and not text.startswith("/"):
        raise ValueError("is neither a URL nor a path that begins with /")
    if parts.scheme in _DEFAULT_PORTS and not parts.hostname:
        raise ValueError("has no host")
    if parts.hostname and not parts.hostname.isascii():
        text = urlunsplit(parts._replace(netloc=parts.netloc.replace(parts.hostname, _host(parts.hostname))))
    return leads_to(url, text)


def status_code(text: str) -> int:
    """A status of HTTP.

    Raises:
        ValueError: in words that follow it.
    """
    # RFC 9110 15: three digits, the first of which is the class.
    if re.fullmatch(r"[1-5][0-9]{2}", text, re.ASCII) is None:
        raise ValueError("is no status: a number from 100 to 599, several with | between them")
    return int(text)


def _ascii(text: str) -> str:
    return text if text.isascii() else quote(text, safe=_ASCII)


def _check_characters(text: str) -> None:
    if " " in text or not text.isprintable():
        found = next(one for one in text if one == " " or not one.isprintable())
        raise ValueError(f"has the character {found!r}: write it percent-encoded")


def _host(name: str) -> str:
    if ":" in name:
        return f"[{name}]"
    try:
        return to_ascii(name)
    except TlsError as error:
        raise ValueError(f"has a host that is no name: {error}") from None


def _read_columns(text: str, file: str, delimiter: str) -> Iterator[Row]:
    """Line by line: a row is one line, so every row has the line that an editor jumps to."""
    columns: Sequence[str] | None = None
    base = ""
    for number, line in enumerate(text.split("\n"), 1):
        origin = Origin(file, number)
        if (found := _HOST_COMMENT.fullmatch(line)) is not None:
            base = told(origin, "the host", found["url"], lambda url: request_url(url).removesuffix("/"))
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
        except csv.Error as error:
            raise TableError(
                f"{origin}: {error}: a cell in quotes ends on its line, and quotes in it are doubled"
            ) from None
        if columns is None:
            columns = _header(origin, cells)
            if columns is not None:
                continue
            columns = _COLUMNS
        if len(cells) > len(columns):
            raise TableError(
                f"{origin}: {len(cells)} cells, but there are {len(columns)} columns ({', '.join(columns)}); "
                f"a cell with {'a comma' if delimiter == ',' else 'a tab'} in it stands in double quotes"
            )
        yield _row(origin, dict(zip(columns, cells, strict=False)), base)


def _header(origin: Origin, cells: Sequence[str]) -> Sequence[str] | None:
    """The columns that a first line names; `None` for one that is a row already."""
    names = [cell.lower() for cell in cells]
    if "/" in names[0] or not any(name in _COLUMNS for name in names):
        return None
    unknown = [cell for cell, name in zip(cells, names, strict=True) if name not in _COLUMNS]
    if unknown:
        raise TableError(f"{origin}: unknown column {unknown[0]!r}; there are {', '.join(_COLUMNS)}")
    if len(set(names)) < len(names):
        raise TableError(f"{origin}: a column stands there twice: {', '.join(cells)}")
    if "from" not in names:
        raise TableError(f"{origin}: no column 'from', which has the URLs to ask for: {', '.join(cells)}")
    return names


def _row(origin: Origin, cells: dict[str, str], base: str) -> Row:
    url = told(origin, "from", cells["from"], lambda text: request_url(text, base))
    word = cells.get("follow", "").lower()
    if word not in _WORDS:
        raise TableError(f"{origin}: follow {word!r} is none of 'yes', 'no' and nothing")
    follow = _WORDS[word]
    to, status = cells.get("to", ""), cells.get("status", "")
    if status:
        statuses = tuple(told(origin, "status", one.strip(), status_code) for one in status.split("|"))
    else:
        statuses = REDIRECTS if to and not follow else (200,)
    location = told(origin, "to", to, lambda text: target_url(text, url)) if to else None
    return Row(origin=origin, url=url, status=statuses, location=location, follow=follow)


def told(origin: Origin, what: str, text: str, take: Callable[[str], Taken]) -> Taken:
    """What `take` makes of a text.

    Raises:
        TableError: for its ValueError, with file and line, what it is about, and the text.
    """
    try:
        return take(text)
    except ValueError as error:
        raise TableError(f"{origin}: {what} {text!r} {error}") from None
