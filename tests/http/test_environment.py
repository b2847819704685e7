from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl._data import fixture
from pytest_modssl.errors import EnvironmentPageError
from pytest_modssl.http import SslEnvironment, page_url, read_environment
from pytest_modssl.http.environment import Via, _from_cgi

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from .conftest import Httpd

SITE = "https://www.example.test/"
VIAS: tuple[Via, ...] = get_args(Via)


@pytest.mark.parametrize("via", VIAS)
def test_each_way_shows_the_variables_of_the_request(session: requests.Session, httpd: Httpd, via: Via) -> None:
    seen = read_environment(session, SITE, via=via)
    assert seen["HTTPS"] == "on"
    assert seen["SSL_PROTOCOL"] == "TLSv1.3"
    assert seen["SSL_TLS_SNI"] == "www.example.test"
    assert seen["SSL_SERVER_S_DN_O"] == 'A "quoted" & <Gärtner>'
    assert seen["SSL_SERVER_CERT"] == httpd.root_pem.decode()


@pytest.mark.parametrize("via", ["cgi", "ssi"])
def test_absent_and_empty_are_different(session: requests.Session, via: Via) -> None:
    with_export = read_environment(session, SITE, via=via)
    without = read_environment(session, "https://b.example.test/", via=via)
    assert with_export["SSL_CLIENT_CERT"] == ""
    assert "SSL_CLIENT_CERT" not in without
    assert "SSL_CIPHER" not in without
    assert without["HTTPS"] == "on"


def test_a_header_says_null_for_both_absent_and_empty(session: requests.Session) -> None:
    seen = read_environment(session, SITE, via="header")
    assert seen["SSL_CLIENT_CERT"] == "(null)"
    assert seen["SSL_CLIENT_S_DN_CN"] == "(null)"


def test_a_header_needs_no_std_env_vars(session: requests.Session) -> None:
    assert read_environment(session, "https://b.example.test/", via="header")["SSL_PROTOCOL"] == "TLSv1.3"


def test_a_header_is_on_every_answer_that_was_asked_for_it(session: requests.Session) -> None:
    assert read_environment(session, f"{SITE}nothing-there", via="header")["SSL_PROTOCOL"] == "TLSv1.3"
    assert not [name for name in session.get(SITE).headers if name.startswith("X-Modssl")]


@pytest.mark.parametrize("via", ["cgi", "ssi"])
def test_plain_http_has_no_variables(session: requests.Session, via: Via) -> None:
    seen = read_environment(session, "http://www.example.test/", via=via)
    assert not [name for name in seen if name.startswith("SSL_") or name == "HTTPS"]


def test_certificates_survive_with_their_line_ends(new_session: Callable[..., requests.Session], httpd: Httpd) -> None:
    session = new_session(client_certificate=(httpd.folder / "server.pem", httpd.folder / "server.key"))
    expected = httpd.root_pem.decode()
    for via in VIAS:
        seen = read_environment(session, SITE, via=via)
        assert (via, seen["SSL_CLIENT_CERT"], seen["SSL_SERVER_CERT"]) == (via, expected, expected)


PAGE_FAILURES = [
    ("env2.cgi", "cgi", "there is no such page", 404),
    ("nothing.cgi", "cgi", "the page printed nothing", 200),
    ("rubbish.cgi", "cgi", "it is not the environment page", 200),
    ("half.cgi", "cgi", "it breaks off before its end", 200),
    ("fails.cgi", "cgi", "the page could not be run", 500),
    ("relative.cgi", "cgi", "it redirects to end.txt", 302),
    ("not-run/", "cgi", "the script was sent as text, not run", 200),
    ("not-run/", "ssi", "it was sent as it is, not run", 200),
    ("refused/", "ssi", "the server refuses it", 403),
]


@pytest.mark.parametrize(("path", "via", "problem", "status"), PAGE_FAILURES)
def test_a_page_that_does_not_work_says_why_and_what_to_do(
    session: requests.Session, path: str, via: Via, problem: str, status: int
) -> None:
    with pytest.raises(EnvironmentPageError) as caught:
        read_environment(session, SITE + path, via=via)
    message = str(caught.value)
    assert message.startswith(f"no SSL variables from {page_url(SITE + path, via)} (via {via}): {problem}")
    assert f"It answered {status} " in message
    assert "beginning b" in message
    assert "What to do: " in message


def test_a_line_that_belongs_to_no_variable_is_shown(session: requests.Session) -> None:
    with pytest.raises(EnvironmentPageError, match=r"printed the line 'hello': neither a name nor a value"):
        read_environment(session, f"{SITE}odd.cgi")


def test_missing_header_directives_are_told(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_modssl.http.environment.HEADER", "X-Other")
    with pytest.raises(EnvironmentPageError, match=r"without X-Other-1: the lines of .*header_directives"):
        read_environment(session, SITE, via="header")


def test_an_unknown_way_is_refused(session: requests.Session) -> None:
    with pytest.raises(ValueError, match="unknown via='php': use one of cgi, ssi, header"):
        read_environment(session, SITE, via="php")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "via", "expected"),
    [
        ("https://a.test/", "cgi", "https://a.test/env.cgi"),
        ("https://a.test/x/", "ssi", "https://a.test/x/env.shtml"),
        ("https://a.test/my.cgi", "cgi", "https://a.test/my.cgi"),
        ("https://a.test/?x=/", "cgi", "https://a.test/?x=/"),
        ("https://a.test/", "header", "https://a.test/"),
    ],
)
def test_a_folder_stands_for_the_page_in_it(url: str, via: Via, expected: str) -> None:
    assert page_url(url, via) == expected


def test_typed_values_are_read_or_refused_by_name() -> None:
    seen = SslEnvironment(
        SITE,
        "cgi",
        {
            "SSL_CIPHER_USEKEYSIZE": "256",
            "SSL_SECURE_RENEG": "true",
            "SSL_SERVER_V_END": "Nov  3 16:19:06 2026 GMT",
            "SSL_CIPHER": "x",
        },
    )
    assert seen.number("SSL_CIPHER_USEKEYSIZE") == 256
    assert seen.flag("SSL_SECURE_RENEG") is True
    assert seen.time("SSL_SERVER_V_END") == dt.datetime(2026, 11, 3, 16, 19, 6, tzinfo=dt.timezone.utc)
    for read, problem in [(seen.number, "no number"), (seen.flag, "none of true"), (seen.time, "no time")]:
        with pytest.raises(EnvironmentPageError, match=f"SSL_CIPHER at {SITE} is 'x', which is {problem}"):
            read("SSL_CIPHER")
        with pytest.raises(EnvironmentPageError, match="SSL_NONE is absent"):
            read("SSL_NONE")


def test_it_prints_the_variables_of_mod_ssl_only_and_certificates_short() -> None:
    seen = SslEnvironment(SITE, "cgi", {"SSL_X": "1", "HTTPS": "on", "PATH": "/bin", "SSL_CERT": "a\nb\nc\n"})
    assert str(seen).splitlines() == [
        f"3 variables of mod_ssl at {SITE} (via cgi)",
        "  HTTPS=on",
        "  SSL_CERT=a (and 2 more lines)",
        "  SSL_X=1",
    ]


# httpd hands a CGI no NUL, and no name but letters, digits and "_" (ap_create_environment in util_script.c).
_value = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


@given(st.dictionaries(st.from_regex(r"SSL_[A-Z0-9_]{1,8}", fullmatch=True), _value, max_size=4))
def test_the_cgi_page_prints_any_value_so_that_it_reads_back_the_same(variables: dict[str, str]) -> None:
    output = subprocess.run(
        [fixture("pages/env.cgi")], env={"PATH": os.environ["PATH"], **variables}, capture_output=True, check=True
    ).stdout.decode()
    body = re.split("\r\n\r\n", output, maxsplit=1)[1]
    seen = _from_cgi(body.split("\n")[1:-2])
    assert {name: value for name, value in seen.items() if name in variables} == variables
