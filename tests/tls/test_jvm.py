"""The client in Java: what it offers, and what it tells; on the machine's own JDK."""

from __future__ import annotations

import shutil
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import jvm, jvm_handshake, names
from pytest_modssl.tls.hello import JAVA7
from pytest_modssl.tls.messages import ClientHello, parse_client_hello
from pytest_modssl.tls.records import HandshakeReader, RecordReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_jdk = pytest.mark.skipif(
    not all(map(shutil.which, ("java", "javac"))), reason="this machine has no JDK (java and javac)"
)


class Listener:
    """Takes a connection, keeps the first bytes that come, and closes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()
        self.data = b""
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            connection.settimeout(10)
            self.data = connection.recv(16384)

    def hello(self) -> ClientHello:
        self.thread.join(10)
        records = RecordReader().feed(self.data)
        (message,) = HandshakeReader().feed(b"".join(record.payload for record in records))
        return parse_client_hello(message.body)


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.socket.close()
    one.thread.join(10)


@needs_jdk
def test_it_offers_what_java_7_does_as_far_as_the_jvm_has_it(listener: Listener) -> None:
    seen = jvm_handshake(listener.address, "www.example.test")
    assert (seen.ok, seen.protocol, seen.dh_bits, seen.java7) == (False, None, None, True)
    assert seen.errors
    hello = listener.hello()
    assert hello.version == names.PROTOCOLS["TLSv1"]
    offered = [code for code in hello.cipher_suites if code != 0x00FF]
    wanted = [names.cipher_suite(one).code for one in JAVA7["suites"] if isinstance(one, str)]
    assert [code for code in wanted if code in offered] == offered, "in its order, and nothing else"
    assert {names.cipher_suite(one).code for one in ("DHE-RSA-AES128-SHA", "AES128-SHA", "RC4-SHA")} <= {*offered}
    assert b"www.example.test" in hello.extensions[names.EXTENSIONS["server_name"]]


@needs_jdk
def test_it_offers_no_group_of_rfc_7919_by_which_a_server_would_choose_the_prime(listener: Listener) -> None:
    jvm_handshake(listener.address, protocol="TLSv1.2", java7=False)
    hello = listener.hello()
    groups = hello.extensions[names.EXTENSIONS["supported_groups"]][2:]
    numbers = [int.from_bytes(groups[start : start + 2], "big") for start in range(0, len(groups), 2)]
    assert [names.group_name(one) for one in numbers] == ["secp256r1", "secp384r1", "secp521r1"]
    assert names.EXTENSIONS["server_name"] not in hello.extensions
    assert not [one for one in JAVA7["groups"] if one.startswith("ffdhe")]


@needs_jdk
def test_nobody_listening_is_a_result() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    seen = jvm_handshake(address)
    assert not seen.ok
    assert "Connection refused" in str(seen)


@needs_jdk
def test_suites_that_no_jvm_has_are_told(listener: Listener) -> None:
    seen = jvm_handshake(listener.address, suites=("SEED-SHA", "IDEA-CBC-SHA"))
    assert "this JVM has none of these suites" in seen.errors[0]


@needs_jdk
def test_classes_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = jvm._classes()
    made = {path.name: path.stat().st_mtime_ns for path in first.iterdir()}
    assert "Java7.class" in made
    assert jvm._classes() == first
    assert {path.name: path.stat().st_mtime_ns for path in first.iterdir()} == made
    assert [path.name for path in first.parent.iterdir()] == [first.name], "nothing is left behind"


def test_a_machine_without_a_jdk_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TlsError, match="needs the programs java and javac on PATH: install a JDK"):
        jvm_handshake(("127.0.0.1", 1))


def test_a_compiler_that_fails_is_told_by_its_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, script in (("java", "exit 0"), ("javac", "echo no space left >&2; exit 3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        TlsError, match=r"Could not compile the Java client: .* ended with exit status 3 and said: no sp"
    ):
        jvm_handshake(("127.0.0.1", 1))
