"""What is known to be secret, and what looks like it, is in no form in a text from which it was removed."""

from __future__ import annotations

import base64
import itertools
import json
import random
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl import CA, generate_key
from pytest_modssl.report.known import learn_environment
from pytest_modssl.report.secrets import REMOVED, Secrets

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "correct horse 4711"
KEY = generate_key("rsa-2048").pem.bytes()
# Always the same: bytes that are logged with escapes are cut by what else is printable among them, and of some keys a
# piece of fewer than 24 bytes is left (docs/bug-reports.md).
DER = random.Random(4711).randbytes(1193)
TICKET_KEY = bytes(range(128, 208))
SECRETS = {
    "phrase": PLAIN.encode(),
    "letters": "Grüße, 4711".encode(),
    "key": KEY,
    "bytes of a key": DER,
    "ticket key": TICKET_KEY,
}


def knowing(*secrets: str | bytes) -> Secrets:
    known = Secrets()
    known.add(*secrets)
    return known


FORMS: dict[str, Callable[[bytes], str]] = {
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64, one behind": lambda data: base64.b64encode(b":" + data + b"\n").decode(),
    "base64, two behind": lambda data: base64.b64encode(b"u:" + data).decode(),
    "base64 of URLs": lambda data: base64.urlsafe_b64encode(b"?" + data).decode().rstrip("="),
    "base64 in lines": lambda data: base64.encodebytes(data).decode(),
    "base64 of base64": lambda data: base64.b64encode(base64.b64encode(data)).decode(),
    "percent-encoded": lambda data: quote(data, safe=""),
    "percent-encoded base64": lambda data: quote(base64.b64encode(data), safe=""),
    "percent-encoded form": quote_plus,
    "hexadecimal": lambda data: data.hex(),
    "as httpd logs it": lambda data: "".join(chr(one) if 32 <= one < 127 else f"\\x{one:02x}" for one in data),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_known_secret_is_removed_in_every_form(secret: bytes, form: str) -> None:
    known = knowing(secret)
    known.add_keys(secret)
    encoded = FORMS[form](secret)
    # Not a space alone: base64 may end like the name of a password, and the word behind `=` is then taken for one.
    left = known.removed_from(f"before {encoded} ; behind")
    pieces = [encoded[at : at + 16] for at in range(0, len(encoded) - 16, 16)] or [encoded]
    assert REMOVED in left
    assert [one for one in pieces if one in left] == []
    assert left.startswith("before ")
    assert left.endswith("; behind")


@pytest.mark.parametrize("number", range(1, 26))
def test_a_single_line_of_a_known_private_key_is_removed(number: int) -> None:
    known = Secrets()
    known.add_keys(KEY)
    line = KEY.splitlines()[number].decode()
    assert known.removed_from(f"[ssl:debug] {line}") == f"[ssl:debug] {REMOVED}"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (KEY.decode(), "MII"),
        (KEY.decode().replace("\n", "\\n"), "MII"),
        (KEY.decode().partition("-----END")[0], "MII"),
        ("".join(KEY.decode().splitlines(keepends=True)[3:]), KEY.decode().splitlines()[5]),
        ("\n".join(f"[Wed] [cgid:error] AH01215: {one}: /x.cgi" for one in KEY.decode().splitlines()), "MII"),
        (base64.encodebytes(KEY).decode(), base64.encodebytes(KEY).decode().splitlines()[4]),
        (quote(KEY), "MII"),
        (quote_plus(KEY), "MII"),
        ("Authorization: Basic Zm9vOmJhcg==\nHost: x", "Zm9v"),
        ("{'Authorization': 'Bearer abcdefgh.ijkl', 'Host': 'x'}", "abcdefgh"),
        (r"b'GET / HTTP/1.0\r\nProxy-Authorization: Basic Zm9vOmJhcg==\r\n\r\n'", "Zm9v"),
        ("curl --header 'Authorization: Basic Zm9vOmJhcg==' https://x/", "Zm9v"),
        ("curl -u alice:hunter2 https://x/", "hunter2"),
        ("Cookie: a=1; session=0123456789abcdef", "0123456789abcdef"),
        ("set-cookie: session=0123456789abcdef; Secure", "0123456789abcdef"),
        ("RequestHeader set Cookie 'session=0123456789abcdef'", "0123456789abcdef"),
        ("GET https://alice:hunter2@www.example.test/", "hunter2"),
        ("ProxyPass / ajp://localhost/ secret=hunter2", "hunter2"),
        ("Location: /login?user=a&password=hunter2&x=1", "hunter2"),
        ("https%3A%2F%2Falice:hunter2%40www.example.test", "hunter2"),
        ('{"api_key": "hunter2"}', "hunter2"),
        ("DB_PASS=hunter2", "hunter2"),
        ("alice:$apr1$x7Yz$0123456789abcdefghijkl", "0123456789"),
        ("alice:$2y$05$abcdefghijklmnopqrstuuAbCdEf", "abcdefg"),
        ("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "W6ph"),
        ("alice:realm:0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("V\tverifierverifier\tsaltsalt\talice\t1024", "verifierverifier"),
        (f"CLIENT_RANDOM {'0' * 64} {'a' * 96}", "a" * 20),
    ],
    ids=itertools.count(),
)
def test_what_looks_secret_is_removed_though_nobody_knew_of_it(text: str, secret: str) -> None:
    assert secret in text or "%" in text
    assert secret not in Secrets().removed_from(text)


@pytest.mark.parametrize(
    "text",
    [
        "[ssl:info] [pid 1:tid 2] [client 127.0.0.1:4] AH01964: Connection to child 0 established (server a.test:443)",
        "SSLCertificateKeyFile /etc/ssl/private/shop.key",
        "AH02568: Certificate and private key www.example.test:443:0 configured from /x/0-0.crt and /x/0-0.key",
        "extended_master_secret: yes",
        "password: none",
        "ServerTokens Prod",
        "AH01968: Init: Requesting pass phrase via builtin terminal dialog",
        CA().cert_pem.bytes().decode(),
        "+k3xPwdQ8v==\n-----END CERTIFICATE-----",
        "+k3xPwdQ8v=\n-----END CERTIFICATE-----",
    ],
    ids=itertools.count(),
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert knowing("hunter2").removed_from(text) == text


@given(st.text(), st.text(min_size=4, max_size=30))
def test_no_text_stops_it_or_keeps_a_secret(text: str, secret: str) -> None:
    if secret.strip() in REMOVED or len(secret.strip().encode()) < 4:
        return
    left = knowing(secret).removed_from(f"{text}{secret}{text}")
    assert secret.strip() not in left.replace(REMOVED, "\0")


@pytest.mark.parametrize("one", ["A", "a.", "aA%41", "-----BEGIN ", "x=", "password=", "://", "\\x41", "$1$", ":@"])
def test_long_lines_take_no_time(one: str) -> None:
    started = time.perf_counter()
    knowing("hunter2", KEY).removed_from(one * (8000 // len(one)))
    assert time.perf_counter() - started < 3


def test_variables_are_secret_by_their_names_and_folders_are_not() -> None:
    known = Secrets()
    learn_environment(
        known, {"SHOP_PASSWORD": "hunter2", "PWD": "/work", "API_TOKEN": "t0ken", "A_SECRET": "/etc/x", "LANG": "de_DE"}
    )
    assert known.removed_from("hunter2 /work t0ken /etc/x de_DE") == f"{REMOVED} /work {REMOVED} /etc/x de_DE"


def test_what_is_secret_in_json_is_removed() -> None:
    secret = 'a"quote\\and "more"'
    assert "quote" not in knowing(secret).removed_from(json.dumps({"x": secret}))
