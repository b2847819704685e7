"""`pytest-modssl scan`, on a real server: what it accepts is told as text and as data, and held against a policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost
from pytest_modssl.cli import main
from tests.cli.answers import differing, documented

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl import Server

NAME = "www.example.test"
OPEN = "open.example.test"
_LIMITED = "SSLProtocol -all +TLSv1.2\nSSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    limited = VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives=_LIMITED)
    return ServerConfig(limited, VirtualHost(NAME))


@pytest.fixture
def place(modssl_server: Server) -> str:
    return "{}:{}".format(*modssl_server.address())


@pytest.fixture
def trusted(modssl_server: Server) -> list[str]:
    return ["--name", NAME, "--trust", str(modssl_server.ca_file)]


def test_certificate_protocols_and_suites_are_told(
    place: str, trusted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", place, *trusted]) == 0
    told = capsys.readouterr().out
    assert f"certificate CN={NAME} ({NAME}), 1 sent, trusted" in told
    assert "accepts TLSv1.2\nTLSv1.2: 1 cipher suites" in told
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" in told


def test_the_same_is_had_as_data(
    place: str, trusted: list[str], modssl_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", place, *trusted, "--policy", "modern", "--json"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert differing(out, documented("scan")) == set()
    told = json.loads(out)
    found = modssl_server.scan(NAME)
    assert {name: tuple(one["cipher_suites"]) for name, one in told["protocols"].items()} == found.suites
    assert told["handshake"]["verification"] == "trusted"
    assert told["hsts"] == ""
    (certificate,) = told["certificates"]
    assert certificate["names"] == [NAME]
    assert certificate["not_before"] < certificate["not_after"]
    assert {one["directive"] for one in told["deviations"]} >= {"SSLProtocol"}


def test_what_deviates_from_a_policy_is_told_with_the_directive_and_makes_the_status_1(
    place: str, trusted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", place, *trusted, "--policy", "modern"]) == 1
    assert "Change: SSLProtocol -all +TLSv1.3" in capsys.readouterr().out


def test_without_the_roots_the_chain_is_not_trusted(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.pem"
    CA().cert_pem.write_to_path(other)
    assert main(["scan", place, "--name", NAME, "--trust", str(other)]) == 0
    assert "1 sent, not trusted" in capsys.readouterr().out


def test_a_port_without_tls_is_told(modssl_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "{}:{}".format(*modssl_server.address(80)), "--name", NAME]) == 1
    assert "does not speak TLS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["127.0.0.1:1"], "nothing answers at 127.0.0.1:1"),
        (["https://www.example.test/"], "is no HOST[:PORT]"),
        (["127.0.0.1:0"], "is no HOST[:PORT]"),
        (["somebody@127.0.0.1"], "is no HOST[:PORT]"),
        (["127.0.0.1:port"], "is no HOST[:PORT]"),
        (["a..b"], "a..b has no address: "),
        (["127.0.0.1", "--trust", "/nowhere.pem"], "cannot read roots from /nowhere.pem"),
        (["127.0.0.1", "--trust", "/dev/null"], "holds no certificate"),
        (["127.0.0.1", "--policy", "strict"], "strict"),
    ],
)
def test_what_cannot_be_scanned_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", *arguments]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_that_nobody_can_wait_is_wrong_usage(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["scan", "127.0.0.1:1", f"--timeout={seconds}"])
    assert ended.value.code == 2
    assert f"{seconds!r} is no number of seconds" in capsys.readouterr().err
