from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.http import Hop, RedirectChain, follow

if TYPE_CHECKING:
    import requests

SITE = "http://www.example.test"


def test_an_answer_that_is_no_redirect_is_the_whole_chain(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/end.txt")
    assert chain == RedirectChain(hops=(), url=f"{SITE}/end.txt", status=200)
    assert chain.response is not None
    assert chain.response.text == "the end\n"
    assert str(chain) == f"1. 200 {SITE}/end.txt"


def test_hops_are_kept_in_order_and_print_as_a_chain(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/to-https")
    https = "https://www.example.test/end.txt"
    assert chain.hops == (Hop(f"{SITE}/to-https", 302, https, https),)
    assert (chain.url, chain.status, chain.error) == (https, 200, None)
    assert chain.urls == (f"{SITE}/to-https", https)
    assert str(chain) == f"1. 302 {SITE}/to-https  Location: {https}\n2. 200 {https}"


def test_a_relative_location_is_kept_raw_and_resolved(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/relative.cgi#part")
    assert chain.hops[0].location == "end.txt?a=b"
    assert chain.url == f"{SITE}/end.txt?a=b#part"


def test_a_location_in_utf_8_is_read_as_such(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/unicode.cgi")
    assert chain.hops[0].location == "/tür"
    assert (chain.url, chain.status) == (f"{SITE}/tür", 404)


def test_a_redirect_without_location_is_told(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/no-location.cgi")
    assert chain.hops == (Hop(f"{SITE}/no-location.cgi", 302, None, None),)
    assert chain.error == f"the answer 302 to {SITE}/no-location.cgi has no Location: nowhere to go"
    assert str(chain).splitlines()[0] == f"1. 302 {SITE}/no-location.cgi  without Location"
    assert chain.urls == (f"{SITE}/no-location.cgi",)


def test_a_loop_is_seen_after_one_round(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/loop-a")
    assert chain.loop
    assert chain.urls == (f"{SITE}/loop-a", f"{SITE}/loop-b")
    assert chain.error == f"a redirect loop: {SITE}/loop-a was asked for before, with the same cookies"


def test_coming_back_with_a_new_cookie_is_no_loop(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/step.cgi")
    assert (chain.loop, chain.error, chain.status) == (False, None, 200)
    assert chain.urls == (f"{SITE}/step.cgi",) * 3


@pytest.mark.parametrize("limit", [0, 3])
def test_no_more_than_the_limit_is_followed(session: requests.Session, limit: int) -> None:
    chain = follow(session, f"{SITE}/count/", limit=limit)
    assert len(chain.hops) == limit + 1
    assert not chain.loop
    assert chain.error == (
        f"more than the {limit} redirects allowed: {SITE}/count/{'x' * (limit + 1)} was not asked for"
    )


def test_a_location_that_is_not_http_is_told(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/to-ftp")
    assert chain.error == f"the answer 302 to {SITE}/to-ftp leads to ftp://www.example.test/, which is not HTTP"


def test_a_target_that_nothing_serves_keeps_the_way_to_it(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/elsewhere")
    assert (chain.url, chain.status) == ("https://nobody.example.test/", None)
    assert str(chain).splitlines()[1:] == [
        "2. no answer https://nobody.example.test/",
        "https://nobody.example.test/ was not reached: no virtual host serves nobody.example.test:443",
    ]


@pytest.mark.parametrize(
    ("path", "method", "seen"),
    [
        ("other-method", "POST", "GET"),
        ("other-method", "PUT", "GET"),
        ("found", "POST", "GET"),
        ("same-method", "POST", "POST"),
        ("absolute", "HEAD", ""),
    ],
)
def test_the_method_changes_as_rfc_9110_says(session: requests.Session, path: str, method: str, seen: str) -> None:
    chain = follow(session, f"{SITE}/{path}", method=method)
    assert chain.response is not None
    assert chain.response.text.split(" ")[0] == seen


def test_given_headers_go_with_every_request(session: requests.Session) -> None:
    chain = follow(session, f"{SITE}/to-https", headers={"X-Modssl-Environment": "1"})
    assert chain.response is not None
    assert "X-Modssl-Environment-1" in chain.response.headers
