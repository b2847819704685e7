"""Tables of URLs become rows, each with its line; a bad table is told with file, line and what may stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from pytest_modssl.errors import TableError
from pytest_modssl.repo.tables import REDIRECTS, Row, is_table, leads_to, read_table

_DOCS = Path(__file__).resolve().parents[2] / "docs/url-tables.md"
_HOST = "https://www.example.test"


def _read(folder: Path, text: str | bytes, name: str = "a.urls.csv") -> tuple[Row, ...]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


def test_rows_have_url_status_target_and_line(tmp_path: Path) -> None:
    rows = _read(tmp_path, f"from,status,to\n\n# moved\n{_HOST}/a,301,{_HOST}/b\n{_HOST}/c,301|308,/d\n")
    assert [(one.url, one.status, one.location, one.origin.line) for one in rows] == [
        (f"{_HOST}/a", (301,), f"{_HOST}/b", 4),
        (f"{_HOST}/c", (301, 308), f"{_HOST}/d", 5),
    ]
    assert [one.title for one in rows] == [f"{_HOST}/a -> 301", f"{_HOST}/c -> 301|308"]


def test_an_empty_status_is_any_redirect_with_a_target_and_200_without(tmp_path: Path) -> None:
    rows = _read(tmp_path, f"{_HOST}/a,,/b\n{_HOST}/c\n{_HOST}/d,,/e,yes\n")
    assert [(one.status, one.follow) for one in rows] == [(REDIRECTS, False), ((200,), False), ((200,), True)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"\xef\xbb\xbffrom,status\r\nhttps://www.example.test/a,301\r\n", "a.urls.csv"),
        (b"status,from\n301,https://www.example.test/a\n", "a.urls.csv"),
        (b"From\tStatus\nhttps://www.example.test/a\t301\n", "a.urls.tsv"),
        (b"# host: https://www.example.test:443/\n/a,301\n", "a.urls.csv"),
        (b"https://www.example.test/a , 301\n", "a.urls.csv"),
        (b'"https://www.example.test/a","301"\n', "a.urls.csv"),
    ],
    ids=["BOM and CRLF", "other order", "tabs", "host comment", "spaces", "quotes"],
)
def test_one_row_may_be_written_in_many_ways(tmp_path: Path, text: bytes, name: str) -> None:
    (row,) = _read(tmp_path, text, name)
    assert (row.url, row.status, row.location) == (f"{_HOST}/a", (301,), None)


def test_a_cell_in_quotes_may_have_the_separator(tmp_path: Path) -> None:
    (row,) = _read(tmp_path, f'"{_HOST}/a,b",301,"/c,d"\n')
    assert (row.url, row.location) == (f"{_HOST}/a,b", f"{_HOST}/c,d")


def test_names_and_paths_beyond_ascii_are_asked_for_as_clients_do(tmp_path: Path) -> None:
    (row,) = _read(tmp_path, "https://bücher.example/straße?q=ä,301,https://bücher.example/neu ".rstrip())
    assert row.url == "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4"
    assert row.location == "https://xn--bcher-kva.example/neu"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no row"),
        ("# nothing\n", "has no row"),
        ("from,status,to\n", "has no row"),
        ("status,to\n301,/b\n", "a.urls.csv:1: no column 'from'"),
        ("from,code\n", "a.urls.csv:1: unknown column 'code'; there are from, status, to, follow"),
        ("from,from\n", "a.urls.csv:1: a column stands there twice"),
        (f"{_HOST}/a,31\n", "a.urls.csv:1: status '31' is no status: a number from 100 to 599"),
        (f"\n{_HOST}/a,moved\n", "a.urls.csv:2: status 'moved' is no status"),
        ("/a,301\n", "a.urls.csv:1: from '/a' is a path, and no line '# host: https://...' above"),
        ("www.example.test/a,301\n", "from 'www.example.test/a' is neither a URL that begins with http://host"),
        ("ftp://www.example.test/a\n", "is neither a URL"),
        (f"{_HOST}/a b\n", "has the character ' ': write it percent-encoded"),
        (f"{_HOST}/a#b\n", "has a fragment"),
        ("https://www.example.test:x/\n", "has a port that is not a number"),
        ("https://me:pw@www.example.test/\n", "has a user name"),
        (f"{_HOST}/a,301,b\n", "a.urls.csv:1: to 'b' is neither a URL nor a path"),
        (f"{_HOST}/a,301,/b,maybe\n", "follow 'maybe' is none of"),
        (f"{_HOST}/a,301,/b,,x\n", "5 cells, but there are 4 columns"),
        (f'"{_HOST}/a,301\n', "a.urls.csv:1: unexpected end of data: a cell in quotes ends on its line"),
        (b"\xff\xfe", "byte 1 is not UTF-8"),
    ],
)
def test_a_bad_table_is_told_with_its_line_and_what_may_stand_there(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    with pytest.raises(TableError, match=re.escape(told)):
        _read(tmp_path, text)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read: No such file"):
        read_table(tmp_path / "a.urls.csv")


_HTTPBB = """
https://www.example.test:
- path: /a?b=c
  request_headers: {X-Id: 7}
  assert_status: 301
  assert_headers:
    Location: https://www.example.test/d
    Content-Length: 0
  assert_headers_absent: [X-Cache]
http://a.test, http://b.test:
- path: /form
  method: POST
  form_body: {one: 1, two: [a, b]}
  assert_headers_regex: {Server: ^Apache}
  assert_body_regex: ^x$
- {path: /json, method: POST, json_body: {n: 1}, assert_status: ["200", 404], assert_body_contains: [x, "y"]}
https://www.example.test:
- path: /again
  assert_status: 200
"""


def test_test_cases_of_httpbb_become_rows_with_their_lines(tmp_path: Path) -> None:
    rows = _read(tmp_path, _HTTPBB, "a.yaml")
    first, form_a, form_b, json_a, _, again = rows
    assert [one.origin.line for one in rows] == [3, 11, 11, 16, 16, 18]
    assert (first.url, first.status, first.request_headers) == (f"{_HOST}/a?b=c", (301,), (("X-Id", "7"),))
    assert first.headers == (("Location", f"{_HOST}/d"), ("Content-Length", "0"))
    assert first.headers_absent == ("X-Cache",)
    assert (form_a.url, form_b.url) == ("http://a.test/form", "http://b.test/form")
    assert form_a.body == b"one=1&two=a&two=b"
    assert form_a.request_headers == (("Content-Type", "application/x-www-form-urlencoded"),)
    assert form_a.title == "POST http://a.test/form -> answer"
    assert (json_a.body, json_a.status, json_a.body_contains) == (b'{"n": 1}', (200, 404), ("x", "y"))
    assert again.url == f"{_HOST}/again"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "https://a.test:\n- path: /\n  assert_state: 200\n",
            "a.yaml:3: unknown key 'assert_state'; there are path, me",
        ),
        ("https://a.test:\n- path: /\n  assert_status: ok\n", "a.yaml:3: assert_status 'ok' is no status"),
        ("https://a.test:\n- assert_status: 200\n", "a.yaml:2: a test case without path"),
        ("https://a.test:\n- path: /\n", "a.yaml:2: a test case that asserts nothing"),
        ("https://a.test:\n- path: a\n", "a.yaml:2: path 'a' does not begin with /"),
        ("https://a.test:\n- path: /\n  path: /\n", "a.yaml:3: path stands there twice"),
        ("https://a.test/b:\n- path: /\n", "a.yaml:1: the host 'https://a.test/b' has a path"),
        ("a.test:\n- path: /\n", "a.yaml:1: the host 'a.test' is neither a URL"),
        ("https://a.test:\n  path: /\n", "a.yaml:2: the value of https://a.test is a mapping; it takes a list"),
        ("https://a.test:\n", "a.yaml:1: the value of https://a.test is nothing"),
        ("- path: /\n", "a.yaml:1: a table is a list; it takes https://host"),
        ("https://a.test:\n- path: [\n", "this is not YAML"),
        ("https://a.test:\n- {path: /, assert_body_regex: '('}\n", "is no regular expression"),
        ("https://a.test:\n- {path: /, method: get, assert_status: 200}\n", "'get' is no method of HTTP"),
        (
            "https://a.test:\n- {path: /, form_body: {}, json_body: 1, assert_status: 200}\n",
            "form_body and json_body at",
        ),
        ("", "has no row"),
    ],
)
def test_a_bad_table_of_httpbb_is_told_likewise(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TableError, match=re.escape(told)):
        _read(tmp_path, text, "a.yaml")


def test_yaml_without_pyyaml_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pytest_modssl.repo.httpbb", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(TableError, match=re.escape("pip install 'pytest-modssl[yaml]'")):
        _read(tmp_path, _HTTPBB, "a.yaml")


@pytest.mark.parametrize(
    ("name", "text", "table"),
    [
        ("a.urls.csv", "", True),
        ("a.csv", "from,to\n", False),
        ("a.urls.tsv", "", True),
        ("a.urls.yml", "", True),
        ("tests.yaml", _HTTPBB, True),
        ("compose.yaml", "services:\n  web:\n    path: https://a.test\n", False),
        ("mixed.yaml", "https://a.test:\n- path: /\nother: 1\n", False),
        ("empty.yaml", "", False),
        ("a.py", "", False),
    ],
)
def test_tables_are_known_by_name_and_httpbb_by_its_keys(tmp_path: Path, name: str, text: str, table: object) -> None:
    (tmp_path / name).write_text(text)
    assert is_table(tmp_path / name) is table


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/b", f"{_HOST}/b"),
        ("b", f"{_HOST}/x/b"),
        ("//www.example.test/b", f"{_HOST}/b"),
        ("HTTPS://WWW.example.test:443/b", f"{_HOST}/b"),
        (_HOST, f"{_HOST}/"),
        ("/%c3%a4", f"{_HOST}/ä"),
    ],
)
def test_forms_of_one_location_lead_to_the_same_url(one: str, other: str) -> None:
    assert leads_to(f"{_HOST}/x/a", one) == leads_to(f"{_HOST}/x/a", other)


@pytest.mark.parametrize("other", ["/B", "http://www.example.test/b", "https://www.example.test:8443/b", "/b/"])
def test_other_locations_do_not(other: str) -> None:
    assert leads_to(f"{_HOST}/a", "/b") != leads_to(f"{_HOST}/a", other)


def documented(language: str) -> str:
    """The example of docs/url-tables.md in one language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", _DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("language", "name", "count"), [("csv", "a.urls.csv", 7), ("yaml", "a.yaml", 4)])
def test_the_documented_tables_are_read(tmp_path: Path, language: str, name: str, count: int) -> None:
    assert len(_read(tmp_path, documented(language), name)) == count
    assert is_table(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "https://a.example:\n- path: /\n  assert_status: 200\n  json_body:\n  - &a0 [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"  - &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(12)),
            "json_body cannot be written as JSON: it has more than 1000000 characters",
        ),
        (
            "https://a.example: &c\n"
            + "- path: /\n  assert_status: 200\n" * 400
            + "".join(f"https://h{n}.example: *c\n" for n in range(300)),
            "has more than 100000 rows",
        ),
        (f"https://a.example: {'[' * 5000}", "this is not YAML|nested too deeply"),
    ],
    ids=["json", "rows", "nesting"],
)
def test_tables_that_multiply_are_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.urls.yaml"
    path.write_text(text)
    with pytest.raises(TableError, match=says):
        read_table(path)


def test_a_table_that_is_too_large_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.urls.csv"
    with path.open("wb") as stream:
        stream.truncate(1 << 34)
    with pytest.raises(TableError, match="larger than 10 MB"):
        read_table(path)
