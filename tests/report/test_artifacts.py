"""What is kept of a test, piece by piece: captures, what is recorded for them, bounds, and what is removed again."""

from __future__ import annotations

import json
import socket
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl import recording
from pytest_modssl.folders import ARTIFACTS
from pytest_modssl.recording import Connection, Event, Recording
from pytest_modssl.report.artifacts import KEYS, REPORT, Budget, Recorded, Subject, folder_of, forget, keep
from pytest_modssl.report.artifacts.contents import Contents, contents_of
from pytest_modssl.report.artifacts.folder import write
from pytest_modssl.report.artifacts.packets import packets_of
from pytest_modssl.report.artifacts.pcapng import interface, packet, secrets, section
from pytest_modssl.report.bug import case_of
from pytest_modssl.report.secrets import Secrets
from tests.report import captures

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.targets.server import Server

WAYS = st.lists(st.tuples(st.sampled_from(["sent", "received"]), st.binary(min_size=1, max_size=90_000)), max_size=6)
HOSTS = st.sampled_from([("127.0.0.1", "127.5.6.7"), ("::1", "::1")])


@given(WAYS, HOSTS, st.binary(max_size=50), st.text(max_size=20), st.integers(0, 2**64 - 1))
def test_a_capture_has_every_byte_in_order_under_headers_that_are_right(
    ways: list[tuple[recording.Kind, bytes]], hosts: tuple[str, str], keys: bytes, name: str, at: int
) -> None:
    events = [Event(at, "asked"), Event(at, "opened"), *(Event(at, kind, data) for kind, data in ways)]
    events += [Event(at, "server ended"), Event(at, "client ended")]
    connection = Connection((hosts[1], 8443), name, (hosts[0], 40_000), events)
    made = list(packets_of(connection, events, 443, 300))
    found = captures.read(
        section("a program", "a comment")
        + interface("server1")
        + secrets(keys)
        + b"".join(packet(0, *one) for one in made)
    )
    assert found.keys == keys
    assert found.interfaces == ["server1"]
    assert found.packets[0][1] == at
    assert found.packets[0][3].startswith(name or "no name")
    segments = captures.segments(found)
    client, server = (hosts[0], 40_000), (hosts[1], 443)
    assert captures.streams(segments) == {
        (client, server): b"".join(data for kind, data in ways if kind == "sent"),
        (server, client): b"".join(data for kind, data in ways if kind == "received"),
    }
    # SYN, SYN and ACK, ACK; at the end FIN and ACK of both, and an ACK.
    assert [one.flags for one in segments[:3]] == [2, 18, 16]
    assert [(one.source, one.flags) for one in segments[-3:]] == [(server, 17), (client, 17), (server, 16)]


def test_a_connection_that_fails_is_in_the_capture_as_it_failed() -> None:
    ways: list[tuple[list[recording.Kind], list[int]]] = [
        (["asked"], [2]),
        (["asked", "refused"], [2, 20]),
        (["asked", "opened", "reset"], [2, 18, 16, 20]),
    ]
    for kinds, flags in ways:
        events = [Event(0, one) for one in kinds]
        made = packets_of(Connection(("127.0.0.1", 443)), events, 443, 0)
        found = captures.read(section("", "") + interface("") + b"".join(packet(0, *one) for one in made))
        assert [one.flags for one in captures.segments(found)] == flags


def test_a_recorded_socket_is_a_socket_that_keeps_both_directions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Recording(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with recording.connect(address, 5, recorded, "a.test") as client, listener.accept()[0] as server:
            client.sendall(b"question")
            assert server.recv(100) == b"question"
            server.sendall(b"answer" * 2)
            assert client.recv(6) == b"answer"
            with client.makefile("rb") as file:
                assert file.read(6) == b"answer"
            server.close()
            assert client.recv(1) == b""
            (kept,) = recorded.connections
            recorded.clear()
            assert recorded.connections == [kept], "one that is open is not forgotten"
        recorded.clear()
        assert recorded.connections == []
    assert (kept.name, kept.server, kept.client) == ("a.test", address, kept.client)
    assert [(one.kind, one.data) for one in kept.events] == [
        ("asked", b""),
        ("opened", b""),
        ("sent", b"question"),
        ("received", b"answer"),
        ("received", b"answer"),
        ("server ended", b""),
        ("client ended", b""),
    ]
    with pytest.raises(ConnectionRefusedError):
        recording.connect(address, 5, recorded)
    assert [one.kind for one in recorded.connections[0].events] == ["asked", "refused"]


def test_what_is_recorded_has_an_end_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_OF_ONE", 10)
    monkeypatch.setattr(recording, "MOST", 15)
    recorded = Recording(tmp_path)
    connections = [Connection(("127.0.0.1", 443)) for _ in range(2)]
    for one in connections:
        for _ in range(3):
            recorded.keep(one, "received", b"12345")
    assert [(one.size, one.cut) for one in connections] == [(10, 5), (5, 10)]
    for number in range(recording.MOST_SEEN + 2):
        recorded.note(number)
    assert (len(recorded.seen), recorded.unseen) == (recording.MOST_SEEN, 2)


def test_the_key_log_of_a_library_is_for_its_owner_alone_and_begins_anew_with_each_test(tmp_path: Path) -> None:
    recorded = Recording(tmp_path)
    line = "CLIENT_RANDOM " + "0" * 64 + " " + "1" * 96
    for _ in range(2):
        assert stat.S_IMODE(recorded.key_file.stat().st_mode) == 0o600
        with recorded.key_file.open("a") as file:
            file.write(f"# a comment\n{line}\n{line}\n")
        assert list(recorded.keys) == [line]
        recorded.clear()
        assert list(recorded.keys) == []


def test_a_password_in_clear_is_no_longer_in_the_capture_also_in_two_pieces(modssl_server: Server) -> None:
    data = b"GET / HTTP/1.1\r\nAuthorization: Basic YWxpY2U6aHVudGVyMjIy\r\nHost: a\r\n\r\nalso hunter222"
    events = [Event(0, "asked"), Event(0, "opened"), Event(0, "sent", data[:45]), Event(0, "sent", data[45:])]
    known = Secrets()
    known.add("hunter222")
    connection = Connection(("127.0.0.1", 80), "a", ("127.0.0.1", 40_000), events)
    one = Recorded(case=case_of(modssl_server), connections=[connection])
    written = contents_of("a test", [one], known).files["capture.pcapng"]
    (sent, _) = captures.streams(captures.segments(captures.read(written))).values()
    blanked = data.replace(b"Basic YWxpY2U6aHVudGVyMjIy", b"*" * 26).replace(b"hunter222", b"*" * 9)
    assert sent == blanked


def test_nothing_is_removed_but_what_is_listed_and_nothing_outside(tmp_path: Path) -> None:
    files = {KEYS: b"keys", "server1/configuration/httpd.conf": b"# text"}
    folder = write(folder_of("a::b", tmp_path), "a::b", "failed", Contents(files, ()))
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "server1")} == {0o700}
    notes = folder / "server1" / "notes"
    notes.write_text("of somebody")
    forget("a::b", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [notes]
    notes.unlink()
    write(folder, "a::b", "failed", Contents(files, ()))
    forget("a::b", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("of somebody")
    folder.mkdir(exist_ok=True)
    (folder / "link").symlink_to(outside)
    for named in ({"../outside/file": 1, str(outside / "file"): 1, "link/file": 1}, None, 3):
        (folder / ARTIFACTS).write_text(json.dumps({"files": named}))
        forget("a::b", tmp_path)
        assert (outside / "file").exists()


def test_a_run_that_has_kept_enough_keeps_bug_reports_then_nothing(tmp_path: Path, modssl_server: Server) -> None:
    modssl_server.get("https://www.example.test/")
    budget = Budget(most=100)
    one = [Recorded(case=case_of(modssl_server))]
    folder = keep(Subject(id="a::b", outcome="failed"), tmp_path, one, budget)
    assert sorted(path.name for path in folder.iterdir()) == [REPORT, ARTIFACTS]
    (why,) = json.loads((folder / ARTIFACTS).read_bytes())["cut"]
    assert "100 bytes" in why
    with pytest.raises(Exception, match="nothing more is kept"):
        keep(Subject(id="a::c", outcome="failed"), tmp_path, one, budget)
    with pytest.raises(Exception, match="nothing more is kept"):
        keep(Subject(id="a::d", outcome="passed"), tmp_path, one, Budget(most=100))
