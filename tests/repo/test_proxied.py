"""Which words name a back end, and what stands in their place."""

from __future__ import annotations

import pytest

from pytest_modssl import BackendError, ConfigError
from pytest_modssl.backends import BackendAddress
from pytest_modssl.repo.proxied import backend_urls, redirected, worker_text, worker_url

S = "/run/b/0.sock"

# Directive, words; index of the word, its back end as it prints.
NAMED = [
    ("ProxyPass", ["/", "http://app.internal:8080/"], 1, "http://app.internal:8080"),
    ("proxypass", ["/a", "https://App.Internal/x", "retry=0"], 1, "https://app.internal"),
    ("ProxyPass", ["http://app.internal:8080"], 0, "http://app.internal:8080"),
    ("ProxyPass", ["fcgi://php:9000/srv", "enablereuse=on"], 0, "fcgi://php:9000"),
    ("ProxyPass", ["/ws", "ws://app.internal/ws"], 1, "http://app.internal"),
    ("ProxyPass", ["/ws", "wss://app.internal/ws"], 1, "https://app.internal"),
    ("ProxyPass", ["/", "unix:/run/app.sock|http://localhost/"], 1, "unix:/run/app.sock|http:"),
    ("ProxyPass", ["/", "http://[2001:db8::1]:8080/"], 1, "http://[2001:db8::1]:8080"),
    ("ProxyPassMatch", ["^/(.*\\.php)$", "fcgi://127.0.0.1:9000/srv/$1"], 1, "fcgi://127.0.0.1:9000"),
    ("ProxyPassMatch", ["^/v/([^/]*)/(.*)$", "http://$1.internal/$2"], 1, "http://$1.internal"),
    ("ProxyPassMatch", ["^/p/(.*)", "http://app:$1/"], 1, "http://app:$1"),
    ("ProxyPass", ["/", "http://app/", "interpolate"], 1, "http://app"),
    ("BalancerMember", ["ajp://tomcat:8009", "route=a"], 0, "ajp://tomcat"),
    ("BalancerMember", ["balancer://pool", "http://app:81"], 1, "http://app:81"),
    ("SetHandler", ["proxy:fcgi://localhost:9000"], 0, "fcgi://localhost:9000"),
    ("SetHandler", ["proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost/"], 0, "unix:/run/php/php8.2-fpm.sock|fcgi:"),
    ("AddHandler", ["proxy:fcgi://localhost:9000", ".php"], 0, "fcgi://localhost:9000"),
    ("RewriteRule", ["^/(.*)$", "http://app:8080/$1", "[P,L]"], 1, "http://app:8080"),
    ("RewriteRule", ["^", "https://%{HTTP_HOST}%{REQUEST_URI}", "[QSA, proxy]"], 1, "https://%{HTTP_HOST}"),
    (
        "RewriteRule",
        ["^/(.*)$", "http://${hosts:%{SERVER_NAME}|app}:81/$1", "[p]"],
        1,
        "http://${hosts:%{SERVER_NAME}|app}:81",
    ),
]
# What names none, or a balancer, or answers with a redirect.
OTHERS = [
    ("ProxyPass", ["/static", "!"]),
    ("ProxyPass", ["!"]),
    ("ProxyPass", ["/", "balancer://pool/", "stickysession=S"]),
    ("ProxyPass", []),
    ("ProxyPass", ["/alone"]),
    ("ProxyPassReverse", ["/", "http://app/"]),
    ("ProxyPassReverseCookieDomain", ["app.internal", "www.example.com"]),
    ("BalancerMember", ["balancer://pool"]),
    ("SetHandler", ["server-status"]),
    ("SetHandler", ["proxy:balancer://pool"]),
    ("SetHandler", []),
    ("RewriteRule", ["^/(.*)$", "https://www.example.com/$1", "[R=301,L]"]),
    ("RewriteRule", ["^/(.*)$", "https://www.example.com/$1"]),
    ("RewriteRule", ["^/(.*)$", "balancer://pool/$1", "[P]"]),
    ("Redirect", ["/", "https://www.example.com/"]),
    ("FcgidWrapper", ["/usr/bin/php-cgi"]),
]
# What goes there all the same, with a part of the reason.
PROBLEMS = [
    ("ProxyPass", ["/", "h2://app.internal/"], "speaks h2"),
    ("ProxyPass", ["/", "${BACKEND}"], "names no back end"),
    ("ProxyPass", ["/", "http://${where}.internal/", "interpolate"], "interpolate"),
    ("ProxyPass", ["/", "ftp://files.internal/"], "speaks ftp"),
    ("RewriteRule", ["^", "%{ENV:target}", "[P]"], "names no back end"),
    ("ProxyRemote", ["*", "http://proxy.internal:3128"], "is not asked"),
    ("AuthnzFcgiDefineProvider", ["authn", "name", "fcgi://localhost:10102/"], "takes no socket"),
]


@pytest.mark.parametrize(("name", "words", "index", "backend"), NAMED)
def test_a_word_that_names_a_back_end_is_found(name: str, words: list[str], index: int, backend: str) -> None:
    (found,) = backend_urls(name, words)
    assert (found.index, found.word, str(found.backend), found.problem) == (index, words[index], backend, "")


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("http://App:8080/$1", f"unix:{S}|http://App:8080/$1"),
        ("fcgi://php", f"unix:{S}|fcgi://php"),
        ("unix:/run/app.sock|http://localhost/", f"unix:{S}|http://localhost/"),
        ("UNIX:run/app.sock|http://localhost/", f"unix:{S}|http://localhost/"),
        ("proxy:fcgi://localhost:9000", f"proxy:unix:{S}|fcgi://localhost:9000"),
        ("proxy:unix:/run/php/php8.2-fpm.sock|fcgi://localhost/", f"proxy:unix:{S}|fcgi://localhost/"),
        ("http://${hosts:$1|app}:81/$1", f"unix:{S}|http://${{hosts:$1|app}}:81/$1"),
    ],
)
def test_the_socket_is_put_before_the_url_and_in_place_of_another(word: str, instead: str) -> None:
    assert redirected(word, S) == instead


@pytest.mark.parametrize(("name", "words"), OTHERS)
def test_what_names_no_back_end_is_left_alone(name: str, words: list[str]) -> None:
    assert backend_urls(name, words) == ()


@pytest.mark.parametrize(("name", "words", "reason"), PROBLEMS)
def test_what_cannot_be_stood_in_for_is_told(name: str, words: list[str], reason: str) -> None:
    (found,) = backend_urls(name, words)
    assert found.backend is None
    assert found.problem.startswith("stays, and ")
    assert reason in found.problem


@pytest.mark.parametrize(
    ("word", "written", "instead"),
    [
        ("http://app:8080/x", "${BACKEND}/x", f"unix:{S}|${{BACKEND}}/x"),
        ("unix:/run/a.sock|http://app/x", "${BACKEND}/x", f"unix:{S}|http://app/x"),
        ("unix:/run/a.sock|http://app/x", "unix:/run/a.sock|${BACKEND}/x", f"unix:{S}|${{BACKEND}}/x"),
        ("proxy:fcgi://php:9000", "${PHP}", f"proxy:unix:{S}|fcgi://php:9000"),
        ("proxy:fcgi://php:9000", "proxy:fcgi://${PHP}", f"proxy:unix:{S}|fcgi://${{PHP}}"),
    ],
)
def test_variables_stay_where_they_do_not_hide_a_beginning(word: str, written: str, instead: str) -> None:
    assert redirected(word, S, written=written) == instead


def test_a_path_that_httpd_would_cut_off_is_refused() -> None:
    redirected("http://app/", "/" + "x" * 106)
    with pytest.raises(ConfigError, match="107 bytes at most, and this one has 108"):
        redirected("http://app/", "/" + "x" * 107)


def test_a_section_with_settings_makes_a_worker() -> None:
    url = "http://app.internal:8080/"
    assert worker_url("Proxy", [url, "timeout=5"]) == url
    assert worker_url("ProxySet", ["timeout=5"], [url]) == url
    assert worker_url("ProxyPassMatch", ["^/(.*)$", f"{url}$1"]) == "http://app.internal:8080"
    assert worker_text(url, S) == f'<Proxy "unix:{S}|{url}" retry=60>\n</Proxy>\n'


@pytest.mark.parametrize(
    ("name", "words", "section"),
    [
        ("Proxy", ["http://app.internal/"], []),
        ("Proxy", ["balancer://pool", "lbmethod=bybusyness"], []),
        ("Proxy", ["*"], []),
        ("ProxySet", ["timeout=5"], ["balancer://pool"]),
        ("ProxySet", ["http://app/", "timeout=5"], []),
        ("ProxyPassMatch", ["^/(.*)$", "http://$1.internal/"], []),
        ("ProxyPassMatch", ["^/(.*)$", "unix:/run/app.sock|http://localhost/$1"], []),
        ("ProxyPassMatch", ["^/x", "http://app/"], []),
        ("ProxyPass", ["/", "http://app/$1"], []),
        ("Require", ["all", "granted"], ["http://app.internal/"]),
    ],
)
def test_other_sections_make_none(name: str, words: list[str], section: list[str]) -> None:
    assert worker_url(name, words, section) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://App:80/x", "http://app/y"),
        ("ws://app/", "http://app/"),
        ("https://app:443", "wss://app/"),
        ("fcgi://php", "fcgi://php:8000/"),
        ("http://app:8080$1", "http://app:8080/"),
        ("https://app.internal$1", "https://app.internal/"),
        ("https://app%{REQUEST_URI}", "https://app/"),
        ("http://user:secret@app/", "http://app/"),
        ("unix:/run/a.sock|http://app/", "unix:/run/a.sock|http://app/x"),
    ],
)
def test_one_back_end_is_known_by_one_address(one: str, other: str) -> None:
    assert BackendAddress.parse(one) == BackendAddress.parse(other)


@pytest.mark.parametrize("url", ["", "app", "/path", "http:/app", "unix:/run/a.sock", "://app"])
def test_what_is_no_url_of_a_back_end_is_refused(url: str) -> None:
    with pytest.raises(BackendError, match="names no back end"):
        BackendAddress.parse(url)
