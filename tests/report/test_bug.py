"""A bug report has all that one should have, ends with where to send it, and has no secret of those that are about."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

from pytest_modssl import CA, File, ServerConfig, StartError, VirtualHost, assert_handshake, bug_report, generate_key
from pytest_modssl.asserts import ModsslAssertionError
from pytest_modssl.report import bug
from pytest_modssl.report.artifacts import folder_of
from pytest_modssl.report.bug import Case, report_of
from pytest_modssl.report.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl import Server
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.targets.base import Target

NAME = "www.example.test"

STRAY_KEY = generate_key("ec-p256").pem.bytes()
TICKET_KEY = bytes((7 * number + 129) % 256 for number in range(48))
SECRETS = {
    "pass phrase of the key": "Sesam-oeffne-dich-1",
    "variable of the server": "db-passwort-22",
    "variable that is defined": "token-abcdefg-33",
    "variable of the environment": "umgebung-geheim-44",
    "password of Basic authentication": "lock-icon-open-55",
    "password in a URL": "url-userinfo-66",
    "cookie of the client": "c00kie-of-the-client-77",
    "cookie of the server": "c00kie-of-the-server-88",
    "field for the back end": "backend-bearer-99",
    "seed of SRP": "srp-seed-1010",
    "verifier of SRP": "0verifier.of.srp.verifier.of.srp",
    "plain password of htpasswd": "plain-htpasswd-1212",
    "hash of htpasswd": "$apr1$AbCdEfGh$0123456789ABCDEFGHIJKL",
    "fake password": "fake-basic-1313",
    "query": "query-token-1414",
}
CREDENTIALS = base64.b64encode(f"ada:{SECRETS['password of Basic authentication']}".encode()).decode()
LEAK = f"""#!/bin/sh
echo 'the log has {SECRETS["variable of the server"]}, cookie {SECRETS["cookie of the client"]}' >&2
echo 'and {base64.b64encode(SECRETS["pass phrase of the key"].encode()).decode()}' >&2
echo "Authorization: Basic {CREDENTIALS}" >&2
cat "$0.pem" >&2
printf 'Content-Type: text/plain\\n\\n'
cat "$0.pem"
"""


@dataclass(frozen=True)
class Planted:
    server: Server
    secrets: dict[str, bytes]


@pytest.fixture(scope="module")
def planted(modssl_server_factory: ServerFactory, modssl_target: Target) -> Planted:
    """A server with secrets of every kind in directives, files, pages, programs and the log."""
    ca = CA()
    leaf = ca.issue(NAME)
    locked = leaf.with_pass_phrase(SECRETS["pass phrase of the key"])
    phrase = f"#!/bin/sh\necho '{SECRETS['pass phrase of the key']}'\n"
    htpasswd = f"ada:{SECRETS['hash of htpasswd']}\nbob:{SECRETS['plain password of htpasswd']}\n"
    credentials = base64.b64encode(f"proxy:{SECRETS['field for the back end']}".encode()).decode()
    srp = f"""
        SSLSRPVerifierFile "${{MODSSL_PKI}}/srp"
        SSLSRPUnknownUserSeed {SECRETS["seed of SRP"]}
    """
    host = VirtualHost(
        NAME,
        tls=locked,
        files={
            "phrase": File(phrase.encode(), executable=True),
            "leak.cgi": File(LEAK.encode(), executable=True),
            "leak.cgi.pem": STRAY_KEY,
            ".htpasswd": htpasswd,
        },
        directives=f"""
            SetEnv DB_PASSWORD {SECRETS["variable of the server"]}
            Header set X-Of-The-Environment "{SECRETS["variable of the environment"]}"
            Header set Set-Cookie "session={SECRETS["cookie of the server"]}; Secure"
            RequestHeader set Authorization "Basic {credentials}"
            Redirect "/moved" "https://ada:{SECRETS["password in a URL"]}@{NAME}/?token={quote(SECRETS["query"])}"
            <Location /fake>
                AuthType Basic
                AuthName fake
                AuthUserFile "${{MODSSL_SITE}}/.htpasswd"
                AuthBasicFake "%{{SSL_CLIENT_S_DN}}" "{SECRETS["fake password"]}"
            </Location>
            SSLSessionTicketKeyFile "${{MODSSL_PKI}}/tickets"
            {srp if modssl_target.installation.can("srp") else ""}
        """,
    )
    config = ServerConfig(
        host,
        directives=f"""
            Define API_TOKEN {SECRETS["variable that is defined"]}
            SSLPassPhraseDialog "exec:${{MODSSL_RUN}}/../sites/0-{NAME}/phrase"
        """,
        pki={"tickets": TICKET_KEY, "srp": f"V\t{SECRETS['verifier of SRP']}\t0salt.of.srp\tada\t1024\t\n"},
    )
    server = modssl_server_factory(config, fresh=True)
    secrets = {name: value.encode() for name, value in SECRETS.items()}
    keys = {"key": leaf.private_key.pem.bytes(), "encrypted key": locked.key_file_pem.bytes(), "stray key": STRAY_KEY}
    for name, pem in keys.items():
        lines = [line for line in pem.splitlines() if len(line) > 20 and b"-" not in line and b":" not in line]
        secrets |= {f"{name}, line {number}": line for number, line in enumerate(lines)}
    return Planted(server, {**secrets, "ticket key": TICKET_KEY})


@pytest.fixture
def failure(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> AssertionError:
    """A failure that has seen, and says, much of it."""
    monkeypatch.setenv("SHOP_PASSWORD", SECRETS["variable of the environment"])
    server = planted.server
    server.log.expect(re.compile("leak.cgi"), "AH01215")
    server.speak(NAME, f"GET /leak.cgi?token={quote(SECRETS['query'])} HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
    session = server.session()
    session.cookies.set("session", SECRETS["cookie of the client"], domain=NAME)
    session.get(f"https://{NAME}/", auth=("ada", SECRETS["password of Basic authentication"]))
    server.get(f"https://{NAME}/moved")
    with pytest.raises(ModsslAssertionError):
        assert_handshake(server, NAME, cipher_suite="none")
    everything = "\n".join(SECRETS.values())
    return AssertionError(f"what a test says: {everything}\n{STRAY_KEY.decode()}\n{TICKET_KEY.hex()}")


def forms(secret: bytes) -> Sequence[str]:
    """A secret raw, percent-encoded, in hexadecimal, and the part of its base64 that does not depend on its place."""
    encoded = [base64.b64encode(b"x" * before + secret).decode()[4 if before else 0 :] for before in range(3)]
    longest = [one[: len(one) // 4 * 4 - 4] for one in encoded if len(one) > 12]
    return [secret.decode("latin-1"), quote(secret, safe=""), secret.hex(), *longest]


def found(report: str, planted: Planted) -> set[str]:
    return {name for name, secret in planted.secrets.items() if any(one in report for one in forms(secret))}


def test_no_secret_is_in_the_report(planted: Planted, failure: AssertionError) -> None:
    report = bug_report(planted.server, error=failure, test="tests/test_shop.py::test_login")
    assert found(report, planted) == set()
    assert report.count("[removed]") > 20


def test_without_the_removal_they_would_be_there(
    planted: Planted, failure: AssertionError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Secrets, "removed_from", lambda _, text: text)
    left = found(bug_report(planted.server, error=failure), planted)
    assert left >= {*SECRETS, "ticket key", "stray key, line 0"}


def test_a_report_has_what_the_faq_asks_for(planted: Planted, failure: AssertionError) -> None:
    report = bug_report(planted.server, error=failure, test="tests/test_shop.py::test_login")
    installation = planted.server.installation
    titles = re.findall(r"^(.+)\n=+$", report, re.MULTILINE)
    assert titles == [
        "What was expected and what was seen",
        "Versions",
        "Build (httpd -V)",
        "Modules",
        "Configuration in effect",
        "Log",
        "Seen from outside",
        "To repeat it by hand",
        "Where to send it",
    ]
    for part in (
        "test: tests/test_shop.py::test_login",
        f"httpd {installation.version}",
        f"OpenSSL {installation.openssl}",
        "Server MPM:     event",
        " ssl_module (shared)",
        "SSLSessionTicketKeyFile",
        f"# {__file__}:",
        "AH01887",
        "ClientHello",
        "GET https://www.example.test/moved",
        "openssl s_client -connect",
    ):
        assert part in report
    end = report.partition("Where to send it")[2]
    assert "users@httpd.apache.org" in end
    assert "https://httpd.apache.org/bug_report.html" in end
    assert "security@httpd.apache.org" in end


def test_a_refused_start_is_reported_with_its_diagnosis_and_the_configuration_as_written(
    modssl_server_factory: ServerFactory, modssl_ca: CA
) -> None:
    host = VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives="SetEnv DB_PASSWORD abc\nSSLFoo on")
    with pytest.raises(StartError) as caught:
        modssl_server_factory(ServerConfig(host))
    assert caught.value.evidence is not None
    report = report_of([Case(evidence=caught.value.evidence, records=())], error=caught.value)
    assert "(unknown-directive)" in report
    assert f"SSLFoo on  # {__file__}:" in report
    assert "SetEnv DB_PASSWORD [removed]" in report
    assert "ssl_module (LoadModule)" in report


def test_a_report_is_no_larger_than_can_be_sent(planted: Planted) -> None:
    noise = requests.Response()
    noise.request = requests.Request("GET", f"https://{NAME}/").prepare()
    noise.headers.update({f"X-{number}": "ä" * 9000 for number in range(200)})
    case = bug.case_of(planted.server)
    large = Case(
        evidence=case.evidence,
        records=[*case.records] * 500,
        observations=[noise] * 10,
        commands=[["curl", "x" * 500]] * 500,
    )
    report = report_of([large] * 4, error=AssertionError("a long line " * 100_000))
    assert len(report.encode()) <= bug.LARGEST
    assert "more lines not shown)" in report
    assert report.endswith(bug.SEND)


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_x", "test_x"),
        ("tests/test_x.py::test_y[docker]", r"tests-test_x.py-test_y-docker-[0-9a-f]{8}"),
        ("../../etc/passwd", r"etc-passwd-[0-9a-f]{8}"),
        ("x" * 400, "x{150}-[0-9a-f]{8}"),
    ],
)
def test_every_test_has_a_folder_of_its_own_below_that_for_all(test: str, name: str, tmp_path: object) -> None:
    from pathlib import Path

    base = Path(str(tmp_path))
    folder = folder_of(test, base)
    assert folder.parent == base
    assert re.fullmatch(name, folder.name)
