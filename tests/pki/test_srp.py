"""SRP verifiers are those that `openssl srp` makes of the same salt, user and password."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import SRP_GROUPS, srp_verifier, srp_verifier_file

if TYPE_CHECKING:
    from pathlib import Path

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./"


def _salt_of(text: str) -> bytes:
    """A salt as `openssl srp` writes it, read as the number that it is: six bits a digit."""
    number = 0
    for digit in text:
        number = number * 64 + _DIGITS.index(digit)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@pytest.mark.parametrize("group", SRP_GROUPS)
def test_openssl_writes_the_same_line(group: str, tmp_path: Path) -> None:
    file = tmp_path / "users.srpv"
    file.touch()  # openssl wants it to exist
    command = ["openssl", "srp", "-srpvfile", str(file), "-gn", group, "-userinfo", "Alice in the office", "-add"]
    done = subprocess.run([*command, "-passout", "pass:open sesame", "alice"], capture_output=True, check=False)
    if b"Invalid command" in done.stderr:
        pytest.skip("this openssl was built without SRP")
    kind, verifier, salt, *words = file.read_text().splitlines()[0].split("\t")
    made = srp_verifier("alice", "open sesame", group=group, salt=_salt_of(salt), info="Alice in the office").line()
    # The salt is a number: where openssl's random bytes begin with zero, we write no digits for that.
    first, second, third, *others = made.split("\t")
    assert (first, second, third.lstrip("0"), others) == (kind, verifier, salt.lstrip("0"), words)


def test_verifiers_of_rfc_5054_appendix_b() -> None:
    salt = bytes.fromhex("BEB25379D1A8581EB5A727673A2441EE")
    assert f"{srp_verifier('alice', 'password123', group='1024', salt=salt).verifier:X}".startswith(
        "7E273DE8696FFC4F4E337D05B4B375BEB0DDE1569E8FA00A9886D8129BADA1F1822223CA1A605B530E379BA4729FDC59"
    )


def test_neither_password_nor_verifier_is_shown() -> None:
    one = srp_verifier("alice", "open sesame")
    for shown in (repr(one), str(one), repr(srp_verifier_file(one))):
        assert "sesame" not in shown
        assert str(one.verifier) not in shown
        assert one.line().split("\t")[1] not in shown


def test_two_verifiers_of_one_password_differ() -> None:
    assert srp_verifier("alice", "x").verifier != srp_verifier("alice", "x").verifier


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"user": "a\tb"}, "parts its fields by tabs"),
        ({"user": ""}, "1 to 255 bytes, not 0"),
        ({"user": "x" * 256}, "not 256"),
        ({"info": "two\nlines"}, "parts its fields by tabs"),
        ({"group": "1025"}, "no SRP group '1025'; use one of 1024, 1536"),
        ({"salt": b"\0one"}, "the first of them not zero"),
        ({"salt": b""}, "A salt of 0 bytes"),
    ],
)
def test_what_a_file_cannot_have_is_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(PkiError, match=told):
        srp_verifier(**{"user": "alice", "password": "x", **arguments})


def test_two_lines_of_one_user_are_refused() -> None:
    with pytest.raises(PkiError, match="Two verifiers of one user: alice"):
        srp_verifier_file(srp_verifier("alice", "x"), srp_verifier("alice", "y"))
