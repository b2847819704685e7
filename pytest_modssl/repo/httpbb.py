"""Tables of URLs in YAML, in the form of Wikimedia's httpbb (wikitech.wikimedia.org/wiki/Httpbb).

The nodes are read and not the values that YAML makes of them: so each test case has its line, a host that stands there
twice has all of its test cases, and `Content-Length: 3260` is the text that a server sends.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pytest_modssl.errors import TableError
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.tables import Row, request_url, status_code, told

try:
    import yaml
except ModuleNotFoundError:
    raise TableError("tables in YAML need PyYAML: pip install 'pytest-modssl[yaml]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST_BODY = 1_000_000
"""Characters of a body in JSON."""

MOST_ROWS = 100_000
"""Rows of a table."""

# Each piece has a character at least.
_MOST_PIECES = LARGEST_BODY + 1
_METHOD = re.compile(r"[A-Z]+")
# RFC 9110 5.6.2, token.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BODIES = ("request_body", "form_body", "json_body")
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
# libyaml's parser, where PyYAML has it, is ten times faster (measured on 5,000 test cases).
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_httpbb(text: str, file: str) -> Iterator[Row]:
    """The test cases of a table, in order; errors as for `read_table`."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise TableError(f"{Origin(file, line)}: this is not YAML: {error.problem}") from None
    except RecursionError:
        raise TableError(f"{file}: lists and mappings are nested too deeply") from None
    except yaml.YAMLError as error:
        raise TableError(f"{file}: this is not YAML: {error}") from None
    if root is None:
        return
    reader = _Reader(file)
    number = 0
    for key, cases in reader.pairs(root, "a table", "https://host: with a list of test cases below"):
        bases = [base for name in reader.hosts(key) for base in [reader.base(key, name)]]
        for case in reader.items(cases, f"the value of {bases[0]}", "a list of test cases (- path: /...)"):
            for base in bases:
                number += 1
                if number > MOST_ROWS:
                    raise TableError(f"{file} has more than {MOST_ROWS} rows, aliases and hosts multiplied: part it")
                yield reader.row(base, case)


class _Reader:
    """Reads the nodes of one file, and tells the line of what is wrong.

    Args:
        file: path of the table.
    """

    def __init__(self, file: str) -> None:
        self._file = file

    def row(self, base: str, case: yaml.Node) -> Row:
        origin = self._origin(case)
        found: dict[str, Any] = {}
        for key, value in self.pairs(case, "a test case", "keys such as path and assert_status"):
            name = self._text(key, "a key")
            if name not in _KEYS:
                raise TableError(f"{self._origin(key)}: unknown key {name!r}; there are {', '.join(_KEYS)}")
            if name in found:
                raise TableError(f"{self._origin(key)}: {name} stands there twice")
            found[name] = _KEYS[name](self, value, name)
        if "path" not in found:
            raise TableError(f"{origin}: a test case without path")
        if not any(name.startswith("assert_") for name in found):
            asserts = ", ".join(name for name in _KEYS if name.startswith("assert_"))
            raise TableError(f"{origin}: a test case that asserts nothing; there are {asserts}")
        bodies = [name for name in _BODIES if name in found]
        if len(bodies) > 1 or (bodies and found.get("follow")):
            raise TableError(
                f"{origin}: {' and '.join([*bodies, *(['follow'] if found.get('follow') else [])])} at once"
            )
        sent, kind = next((found[name] for name in bodies), (None, ""))
        headers = found.get("request_headers", ())
        if kind and not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("Content-Type", kind))
        return Row(
            origin=origin,
            url=told(origin, "path", found["path"], lambda text: request_url(text, base)),
            method=found.get("method", "GET"),
            request_headers=headers,
            body=sent,
            status=found.get("assert_status", ()),
            headers=found.get("assert_headers", ()),
            headers_regex=found.get("assert_headers_regex", ()),
            headers_absent=found.get("assert_headers_absent", ()),
            body_contains=found.get("assert_body_contains", ()),
            body_regex=found.get("assert_body_regex", ()),
            follow=found.get("follow", False),
        )

    # Hosts

    def hosts(self, key: yaml.Node) -> list[str]:
        """One, or several with commas or white space between them."""
        if isinstance(key, yaml.SequenceNode):
            return [self._text(one, "a host") for one in key.value]
        return [name for name in re.split(r"[,\s]+", self._text(key, "a host")) if name]

    def base(self, key: yaml.Node, name: str) -> str:
        url = told(self._origin(key), "the host", name, request_url)
        if url.count("/") > 3 or not url.endswith("/"):
            raise TableError(
                f"{self._origin(key)}: the host {name!r} has a path: paths stand in the test cases below it"
            )
        return url.removesuffix("/")

    # Kinds of values

    def path(self, node: yaml.Node, name: str) -> str:
        text = self._text(node, name)
        if not text.startswith("/"):
            raise TableError(f"{self._origin(node)}: {name} {text!r} does not begin with /")
        return text

    def method(self, node: yaml.Node, name: str) -> str:
        text = self._text(node, name)
        if _METHOD.fullmatch(text) is None:
            raise TableError(f"{self._origin(node)}: {name} {text!r} is no method of HTTP, such as GET, HEAD, POST")
        return text

    def statuses(self, node: yaml.Node, name: str) -> tuple[int, ...]:
        return tuple(
            told(self._origin(one), name, text, status_code)
            for one in self._one_or_more(node)
            for text in self._text(one, name).split("|")
        )

    def fields(self, node: yaml.Node, name: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (self._field_name(key), self._line(value, name))
            for key, value in self.pairs(node, name, "names of header fields with their values")
        )

    def field_patterns(self, node: yaml.Node, name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple(
            (self._field_name(key), self._pattern(value, name))
            for key, value in self.pairs(node, name, "names of header fields with patterns")
        )

    def names(self, node: yaml.Node, name: str) -> tuple[str, ...]:  # noqa: ARG002 - as all in _KEYS
        return tuple(self._field_name(one) for one in self._one_or_more(node))

    def texts(self, node: yaml.Node, name: str) -> tuple[str, ...]:
        return tuple(self._text(one, name) for one in self._one_or_more(node))

    def patterns(self, node: yaml.Node, name: str) -> tuple[re.Pattern[str], ...]:
        return tuple(self._pattern(one, name) for one in self._one_or_more(node))

    def raw(self, node: yaml.Node, name: str) -> tuple[bytes, str]:
        return self._text(node, name).encode(), ""

    def form(self, node: yaml.Node, name: str) -> tuple[bytes, str]:
        fields = [
            (self._text(key, name), self._text(one, name))
            for key, value in self.pairs(node, name, "names of fields with their values")
            for one in self._one_or_more(value)
        ]
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"

    def json(self, node: yaml.Node, name: str) -> tuple[bytes, str]:
        try:
            value = yaml.SafeLoader("").construct_object(node, deep=True)
            return _json(value).encode(), "application/json"
        except (yaml.YAMLError, TypeError, ValueError) as error:
            raise TableError(f"{self._origin(node)}: {name} cannot be written as JSON: {error}") from None

    def truth(self, node: yaml.Node, name: str) -> bool:
        text = self._text(node, name)
        if text.lower() not in _BOOLEANS:
            raise TableError(f"{self._origin(node)}: {name} {text!r} is neither true nor false")
        return _BOOLEANS[text.lower()]

    # Nodes

    def pairs(self, node: yaml.Node, what: str, fits: str) -> list[tuple[yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise TableError(f"{self._origin(node)}: {what} is {_kind(node)}; it takes {fits}")
        return list(node.value)

    def items(self, node: yaml.Node, what: str, fits: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise TableError(f"{self._origin(node)}: {what} is {_kind(node)}; it takes {fits}")
        return list(node.value)

    def _one_or_more(self, node: yaml.Node) -> list[yaml.Node]:
        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            raise TableError(f"{self._origin(node)}: {what} is {_kind(node)}; it takes text")
        return str(node.value)

    def _line(self, node: yaml.Node, what: str) -> str:
        text = self._text(node, what)
        if any(one in text for one in "\r\n\0"):
            raise TableError(f"{self._origin(node)}: the value of a header field is one line")
        return text

    def _field_name(self, node: yaml.Node) -> str:
        text = self._text(node, "the name of a header field")
        if _TOKEN.fullmatch(text) is None:
            raise TableError(f"{self._origin(node)}: {text!r} cannot be the name of a header field")
        return text

    def _pattern(self, node: yaml.Node, what: str) -> re.Pattern[str]:
        text = self._text(node, what)
        try:
            return re.compile(text, re.MULTILINE)
        except re.error as error:
            raise TableError(f"{self._origin(node)}: {what} {text!r} is no regular expression: {error}") from None

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._file, node.start_mark.line + 1)


def _json(value: object) -> str:
    """A value as JSON; aliases of aliases are a few lines in YAML, and have no end there.

    Raises:
        ValueError: in words that follow.
    """
    text = "".join(islice(json.JSONEncoder().iterencode(value), _MOST_PIECES))
    if len(text) > LARGEST_BODY:
        raise ValueError(f"it has more than {LARGEST_BODY} characters")
    return text


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.CollectionNode):
        return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
    return "nothing" if node.tag == "tag:yaml.org,2002:null" else f"the text {node.value!r}"


_KEYS: dict[str, Callable[[_Reader, yaml.Node, str], Any]] = {
    "path": _Reader.path,
    "method": _Reader.method,
    "request_headers": _Reader.fields,
    "request_body": _Reader.raw,
    "form_body": _Reader.form,
    "json_body": _Reader.json,
    "assert_status": _Reader.statuses,
    "assert_headers": _Reader.fields,
    "assert_headers_regex": _Reader.field_patterns,
    "assert_headers_absent": _Reader.names,
    "assert_body_contains": _Reader.texts,
    "assert_body_regex": _Reader.patterns,
    "follow": _Reader.truth,
}
