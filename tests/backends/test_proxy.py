"""A real proxy before stand-ins: what each form of a back end in a configuration lets it receive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import Answer, Backends, ModsslAssertionError, ServerConfig, VirtualHost, assert_backend_received
from pytest_modssl.pki import CA
from pytest_modssl.repo.proxied import redirected, worker_text, worker_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.asserts._collect import Expected
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.server import Server

WWW = "www.example.test"
MODULES = (
    *("proxy", "proxy_http", "proxy_fcgi", "proxy_ajp", "proxy_scgi", "proxy_uwsgi", "proxy_wstunnel"),
    *("proxy_balancer", "lbmethod_byrequests", "slotmem_shm", "rewrite", "headers"),
)
# Path, the URL that a configuration has, the path that the back end gets; the directives are below.
FORMS = [
    ("/pass/x?y=1", "http://app.internal:8080/base", "/base/x?y=1"),
    ("/match/x", "http://match.internal/", "/deep/x"),
    ("/match/", "http://match.internal/", "/deep/"),
    ("/varies/one/x", "http://$1.varies.internal/", "/x"),
    ("/location/x", "http://location.internal/in", "/in/x"),
    ("/pool/x", "http://member.internal:8080/m", "/m/x"),
    ("/rewritten/x?y", "http://rewritten.internal:8080/", "/to/x?y"),
    ("/named/x", "http://%{HTTP_HOST}:81/", "/x"),
    ("/settings/x", "http://settings.internal/", "/x"),
    ("/own/x", "unix:/run/app.sock|http://localhost/", "/x"),
    ("/tls/x", "https://secure.internal/", "/x"),
    ("/tls12/x", "https://old.internal/", "/x"),
    ("/hostname/x", "https://kept.internal/", "/x"),
    ("/fcgi/x", "fcgi://php.internal:9000/srv/", "/fcgi/x"),
    ("/page.php/info", "unix:/run/php-fpm.sock|fcgi://localhost/", "/page.php/info"),
    ("/ajp/x?y", "ajp://tomcat.internal:8009/app/", "/app/x?y"),
    ("/scgi/x", "scgi://scgi.internal:4000/", "/scgi/x"),
    ("/uwsgi/x", "uwsgi://uwsgi.internal:8001/", "/uwsgi/x"),
]
BODIES = ("/pass/", "/tls/", "/fcgi/", "/ajp/", "/scgi/", "/uwsgi/")


@pytest.fixture(scope="module")
def proxy_certificate(ca: CA) -> LeafCert:
    return ca.issue_client("proxy", subject={"O": "Example"})


@pytest.fixture(scope="module")
def running(
    local_target: LocalTarget, local_installation: Installation, backends: Backends, ca: CA, proxy_certificate: LeafCert
) -> Iterator[Server]:
    missing = sorted(set(MODULES) - local_installation.modules)
    if missing:
        pytest.skip(f"{local_installation.id} has no {', '.join(missing)}")

    def to(url: str, rest: str = "") -> str:
        return redirected(url, str(backends.serve(url))) + rest

    settings, match = "http://settings.internal/", "http://match.internal/"
    made = [settings, worker_url("ProxyPassMatch", ["", f"{match}deep/$1"])]
    server = local_target.launch(
        ServerConfig(
            VirtualHost(
                WWW,
                directives=f"""
                    SSLProxyEngine on
                    SSLProxyCACertificateFile ${{MODSSL_PKI}}/ca.pem
                    SSLProxyVerify require
                    SSLProxyMachineCertificateFile ${{MODSSL_PKI}}/proxy.pem
                    ProxyPass /pass/ {to("http://app.internal:8080/base", "/")}
                    ProxyPassReverse /pass/ http://app.internal:8080/base/
                    ProxyPassMatch ^/match/(.*)$ {to(match, "deep/$1")}
                    ProxyPassMatch ^/varies/([^/]*)/(.*)$ {to("http://$1.varies.internal/", "$2")}
                    <Location /location>
                        ProxyPass {to("http://location.internal/in")}
                        ProxyPassReverse http://location.internal/in
                    </Location>
                    ProxyPass /pool balancer://pool
                    ProxyPassReverse /pool balancer://pool
                    <Proxy balancer://pool>
                        BalancerMember {to("http://member.internal:8080/m")}
                    </Proxy>
                    RewriteEngine on
                    RewriteRule ^/rewritten/(.*)$ {to("http://rewritten.internal:8080/", "to/$1")} [P]
                    RewriteRule ^/named/(.*)$ {to("http://%{HTTP_HOST}:81/", "$1")} [P]
                    <Proxy "{settings}">
                        RequestHeader set X-Section seen
                        ProxySet connectiontimeout=7
                    </Proxy>
                    ProxyPass /settings/ {to(settings)}
                    ProxyPass /own/ {to("unix:/run/app.sock|http://localhost/")}
                    ProxyPass /tls/ {to("https://secure.internal/")}
                    <Proxy "https://old.internal/">
                        SSLProxyProtocol -all +TLSv1.2
                    </Proxy>
                    ProxyPass /tls12/ {to("https://old.internal/")}
                    <Location /hostname/>
                        ProxyPreserveHost on
                        ProxyPass {to("https://kept.internal/")}
                    </Location>
                    ProxyPass /fcgi/ {to("fcgi://php.internal:9000/srv/")}
                    <FilesMatch "\\.php$">
                        SetHandler "proxy:{to("unix:/run/php-fpm.sock|fcgi://localhost/")}"
                    </FilesMatch>
                    ProxyPass /ajp/ {to("ajp://tomcat.internal:8009/app/")}
                    ProxyPass /scgi/ {to("scgi://scgi.internal:4000/")}
                    ProxyPass /uwsgi/ {to("uwsgi://uwsgi.internal:8001/")}
                    ProxyPass /ws/ {to("ws://chat.internal/")}
                """,
                files={"page.php": "not run here"},
            ),
            VirtualHost(
                "distrusting.example.test",
                directives=f"""
                    SSLProxyEngine on
                    SSLProxyCACertificateFile ${{MODSSL_PKI}}/other.pem
                    SSLProxyVerify require
                    ProxyPass / {to("https://secure.internal/")}
                """,
            ),
            directives="".join(worker_text(url, str(backends.serve(url))) for url in made),
            pki={
                "ca.pem": ca.cert_pem,
                "other.pem": CA().cert_pem,
                "proxy.pem": proxy_certificate.private_key_and_cert_chain_pem,
            },
            modules=MODULES,
        )
    )
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(running: Server, backends: Backends) -> Iterator[Server]:
    backends.clear()
    running.begin_test()
    yield running
    running.end_test()


@pytest.mark.parametrize(
    ("path", "url", "received"), FORMS, ids=[path.lstrip("/").partition("?")[0] for path, _, _ in FORMS]
)
def test_each_form_reaches_its_own_back_end(
    server: Server, backends: Backends, path: str, url: str, received: str
) -> None:
    answer = server.get(f"http://{WWW}{path}")
    request = assert_backend_received(server, backends, url, method="GET", path=received)
    assert (answer.status_code, answer.text) == (200, f"{request}\n")
    assert backends.requests == (request,)


@pytest.mark.parametrize(
    ("path", "url", "host"),
    [
        ("/pass/", "http://app.internal:8080", "app.internal:8080"),
        ("/varies/one/x/y", "http://$1.varies.internal", "one.varies.internal"),
        ("/tls/", "https://secure.internal", "secure.internal"),
        ("/hostname/", "https://kept.internal", WWW),
    ],
)
def test_host_and_sni_are_those_of_the_configuration(
    server: Server, backends: Backends, path: str, url: str, host: str
) -> None:
    server.get(f"http://{WWW}{path}", headers={"X-Forwarded-For": "192.0.2.1"})
    sni = host if url.startswith("https") else False
    headers: dict[str, Expected] = {
        "host": host,
        "X-Forwarded-For": re.compile(r"^192\.0\.2\.1, 127\."),
        "X-Forwarded-Host": WWW,
    }
    assert_backend_received(server, backends, url, headers=headers, absent=["X-Section"], sni=sni)


def test_the_certificate_of_the_proxy_is_told(server: Server, backends: Backends, proxy_certificate: LeafCert) -> None:
    server.get(f"http://{WWW}/tls/")
    seen = assert_backend_received(
        server, backends, "https://secure.internal", client_certificate=proxy_certificate, sni="secure.internal"
    )
    assert (seen.client_subject, seen.tls) == ("CN=proxy,O=Example", "TLSv1.3")
    assert_backend_received(server, backends, "https://secure.internal", client_certificate=re.compile("^CN=proxy,"))


def test_a_proxy_without_trust_in_the_back_end_does_not_reach_it(server: Server, backends: Backends) -> None:
    server.log.expect("AH01084", "AH01097", re.compile("AH0[0-9]+.*(proxy|Proxy|SSL)"))
    assert server.get("http://distrusting.example.test/").status_code in {500, 502, 503}
    assert backends.requests == ()


def test_what_a_section_says_of_its_back_end_holds(server: Server, backends: Backends) -> None:
    server.get(f"http://{WWW}/settings/")
    assert_backend_received(server, backends, "http://settings.internal", headers={"X-Section": "seen"})
    server.get(f"http://{WWW}/tls12/")
    assert backends.wait_for("https://old.internal").tls == "TLSv1.2"


@pytest.mark.parametrize("path", BODIES)
def test_a_large_body_is_read_whole_and_kept_in_part(server: Server, backends: Backends, path: str) -> None:
    answer = server.session().post(f"http://{WWW}{path}", data=b"x" * 3_000_000)
    (request,) = backends.requests
    assert (answer.status_code, request.method, request.size, len(request.body)) == (200, "POST", 3_000_000, 1_048_576)


@pytest.mark.parametrize("path", ["/pass/", "/fcgi/", "/ajp/"])
def test_a_body_without_a_length_is_read(server: Server, backends: Backends, path: str) -> None:
    assert server.session().post(f"http://{WWW}{path}", data=iter([b"one ", b"two"])).status_code == 200
    assert [one.body for one in backends.requests] == [b"one two"]


@pytest.mark.parametrize("path", BODIES)
def test_any_answer_comes_through(server: Server, backends: Backends, path: str) -> None:
    url = f"http://{WWW}{path}"
    with backends.answering(Answer(404, {"X-Answer": "given"}, "x" * 200_000)):
        answer = server.get(url)
        assert (answer.status_code, answer.headers["X-Answer"], len(answer.content)) == (404, "given", 200_000)
        head = server.session().head(url)
        assert (head.status_code, head.content) == (404, b"")
    with backends.answering(Answer(204)):
        assert (server.get(url).status_code, server.get(url).content) == (204, b"")


@pytest.mark.parametrize(
    ("path", "base"), [("/pass/", "http://app.internal:8080/base/"), ("/location/", "http://location.internal/in/"),
                       ("/pool/", "http://member.internal:8080/m/")]
)  # fmt: skip
def test_redirects_of_a_back_end_are_mapped_back(server: Server, backends: Backends, path: str, base: str) -> None:
    with backends.answering(Answer(302, {"Location": f"{base}there"})):
        location = server.get(f"http://{WWW}{path}", allow_redirects=False).headers["Location"]
    assert re.fullmatch(rf"http://{re.escape(WWW)}(:\d+)?{path}there", location)


def test_a_websocket_is_switched_to(server: Server, backends: Backends) -> None:
    # The key and its answer are those of RFC 6455 section 1.3.
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with server.session().get(
        f"http://{WWW}/ws/chat", headers={**asked, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}, stream=True
    ) as answer:
        assert (answer.status_code, answer.headers["Upgrade"]) == (101, "websocket")
        assert answer.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert_backend_received(server, backends, "ws://chat.internal", path="/chat", headers={"Upgrade": "websocket"})


def test_connections_are_kept_between_requests(server: Server, backends: Backends) -> None:
    for _ in range(20):
        server.get(f"http://{WWW}/pass/")
    assert len({one.connection for one in backends.requests}) < 20


def test_variables_of_fastcgi_are_told(server: Server, backends: Backends) -> None:
    server.get(f"http://{WWW}/page.php/info?a=b", headers={"X-Some-Thing": "x"})
    assert_backend_received(
        server,
        backends,
        "unix:/run/php-fpm.sock|fcgi://localhost",
        variables={"QUERY_STRING": "a=b", "PATH_INFO": "/info", "SCRIPT_FILENAME": re.compile(r"/page\.php$")},
        headers={"X-Some-Thing": "x"},
    )


def test_every_mismatch_is_told_at_once(server: Server, backends: Backends) -> None:
    server.get(f"http://{WWW}/tls/x")
    with pytest.raises(ModsslAssertionError) as caught:
        assert_backend_received(
            server,
            backends,
            "https://secure.internal",
            method="POST",
            path=re.compile("^/y"),
            headers={"X-Missing": "a", "Host": "other.internal"},
            absent=["X-Forwarded-Host"],
            body=b"text",
            variables={"PATH_INFO": "/"},
            sni=False,
            client_certificate=CA().issue_client("another"),
            seconds=0.01,
        )
    assert [str(one).partition(" (")[0] for one in caught.value.mismatches] == [
        "method: expected 'POST', seen 'GET'",
        "path: expected a match of '^/y', seen '/x'",
        "header X-Missing: expected 'a', seen nothing",
        "header Host: expected 'other.internal', seen 'secure.internal'",
        "header X-Forwarded-Host: expected it to be absent, seen 'www.example.test'",
        "variable PATH_INFO: expected '/', seen nothing",
        "body: expected b'text', seen b''",
        "SNI: expected none, seen 'secure.internal'",
        "client certificate: expected that of 'CN=another'",
    ]
    assert "https://secure.internal received GET /x HTTP/1.1" in str(caught.value)
    assert "TLSv1.3, SNI secure.internal, certificate of CN=proxy,O=Example" in str(caught.value)


def test_a_back_end_that_received_nothing_is_told_with_what_others_did(server: Server, backends: Backends) -> None:
    server.get(f"http://{WWW}/pass/x")
    with pytest.raises(ModsslAssertionError) as caught:
        assert_backend_received(server, backends, "https://secure.internal", seconds=0.01)
    assert [str(one) for one in caught.value.mismatches] == ["request: expected one, seen none; others received 1"]
    assert "http://app.internal:8080 received GET /base/x HTTP/1.1" in str(caught.value)
