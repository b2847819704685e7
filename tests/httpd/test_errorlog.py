from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_modssl.httpd.errorlog import SEVERITY, LogCursor, is_error, parse
from pytest_modssl.httpd.installation import find_httpd, probe_installation

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "[Mon Nov 23 22:38:31.557317 2026] "


def one(line: str) -> dict[str, object]:
    """The fields of the only record of a line, those that tell nothing left out."""
    (record,) = parse(line)
    assert record.raw == str(record) == line
    names = ("time", "module", "level", "pid", "tid", "client", "source", "os_error", "ah", "message")
    return {name: value for name in names if (value := getattr(record, name)) is not None}


TIME = datetime(2026, 11, 23, 22, 38, 31, 557317)  # noqa: DTZ001 - the log names no zone


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            "[ssl:info] [pid 2175:tid 2204] [client 127.0.0.1:60266] AH01964: Connection to child 64 established",
            {
                "module": "ssl",
                "level": "info",
                "pid": 2175,
                "tid": 2204,
                "client": "127.0.0.1:60266",
                "ah": "AH01964",
                "message": "Connection to child 64 established",
            },
        ),
        (
            "[ssl:debug] [pid 9:tid 8] ssl_engine_kernel.c(2252): [client ::1:6] AH02645: Server name not provided",
            {
                "module": "ssl",
                "level": "debug",
                "pid": 9,
                "tid": 8,
                "source": "ssl_engine_kernel.c(2252)",
                "client": "::1:6",
                "ah": "AH02645",
                "message": "Server name not provided",
            },
        ),
        (
            "[core:error] [pid 9] (13)Permission denied: [client 127.0.0.1:3] AH00132: file permissions: /x",
            {
                "module": "core",
                "level": "error",
                "pid": 9,
                "os_error": "(13)Permission denied",
                "client": "127.0.0.1:3",
                "ah": "AH00132",
                "message": "file permissions: /x",
            },
        ),
        (
            "[:emerg] [pid 1:tid 1] AH00020: Configuration Failed, exiting",
            {
                "module": "",
                "level": "emerg",
                "pid": 1,
                "tid": 1,
                "ah": "AH00020",
                "message": "Configuration Failed, exiting",
            },
        ),
        (
            "[watchdog:debug] [pid 1:tid 1] mod_watchdog.c(445): AH010033: Watchdog: Running",
            {
                "module": "watchdog",
                "level": "debug",
                "pid": 1,
                "tid": 1,
                "source": "mod_watchdog.c(445)",
                "ah": "AH010033",
                "message": "Watchdog: Running",
            },
        ),
        (
            "[proxy:warn] [pid 1:tid 1] (EAI 2)Name or service not known: [remote 192.0.2.1:80] AH00941: no",
            {
                "module": "proxy",
                "level": "warn",
                "pid": 1,
                "tid": 1,
                "os_error": "(EAI 2)Name or service not known",
                "client": "192.0.2.1:80",
                "ah": "AH00941",
                "message": "no",
            },
        ),
        (
            "[rewrite:trace3] [pid 1:tid 1] mod_rewrite.c(1): [client 1.2.3.4:5] 1.2.3.4 - - applying '^/a'",
            {
                "module": "rewrite",
                "level": "trace3",
                "pid": 1,
                "tid": 1,
                "source": "mod_rewrite.c(1)",
                "client": "1.2.3.4:5",
                "message": "1.2.3.4 - - applying '^/a'",
            },
        ),
    ],
)
def test_lines_of_the_default_format_are_taken_apart(line: str, fields: dict[str, object]) -> None:
    assert one(HEAD + line) == {"time": TIME, **fields}


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("AH00526: Syntax error on line 6 of /x:", {"ah": "AH00526", "message": "Syntax error on line 6 of /x:"}),
        ("Invalid address or port", {}),
        ("a CGI says: [error] [client 1.2.3.4] no", {}),
        ("[Mon Nov 23", {}),
        ("[x:bogus] [pid 1:tid 1] y", {}),
        (
            "[2026-11-23] [error] AH01234: of another format",
            {"level": "error", "ah": "AH01234", "message": "of another format"},
        ),
        ("[Mon Foo 41 22:38:31 2026] [x:warn] [pid 1] y", {"module": "x", "level": "warn", "pid": 1, "message": "y"}),
        ("[Mon Feb 30 22:38:31 2026] [x:warn] [pid 1] y", {"module": "x", "level": "warn", "pid": 1, "message": "y"}),
    ],
)
def test_lines_of_any_other_form_are_kept_whole(line: str, fields: dict[str, object]) -> None:
    assert one(line) == {"message": line, **fields}


def test_an_empty_line_is_a_record_too() -> None:
    assert [(record.raw, record.level) for record in parse("\n")] == [("", None)]


def test_errors_are_error_and_worse() -> None:
    wrong = [level for level in SEVERITY if is_error(parse(f"{HEAD}[core:{level}] [pid 1] x")[0])]
    assert wrong == ["emerg", "alert", "crit", "error"]
    assert not is_error(parse("plain")[0])


@example(HEAD + "[x:warn] [pid " + "9" * 5000 + "] y")
@given(st.text() | st.text(alphabet="[]():AH0123456789 ssl:error.pidt\n\r"))
def test_any_text_gives_one_record_a_line(text: str) -> None:
    records = parse(text)
    assert [record.line for record in records] == list(range(1, len(records) + 1))
    assert "\n".join(record.raw for record in records) == text.replace("\r\n", "\n").removesuffix("\n").removesuffix(
        "\r"
    )


def test_hostile_lines_take_time_in_proportion() -> None:
    for line in ("[" * 100_000, "[a:" * 50_000, HEAD + "[x:warn] [pid 1] " + "(1)a" * 50_000, "AH00000" * 30_000):
        assert len(parse(line)) == 1


def test_every_line_of_a_server_from_start_to_end_is_understood(tmp_path: Path) -> None:
    installation = probe_installation(find_httpd())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [
        f'ServerRoot "{tmp_path}"',
        f'DefaultRuntimeDir "{tmp_path}"',
        f'PidFile "{tmp_path}/pid"',
        *(f"LoadModule {name}_module {installation.loadable[name]}" for name in ("mpm_event", "authz_core")),
        f"User {installation.user}",
        f"Group {installation.group}",
        "ServerName localhost",
        "ErrorLog /dev/stderr",
        "LogLevel trace8",
        f"Listen 127.0.0.1:{port}",
    ]
    config = tmp_path / "httpd.conf"
    config.write_text("\n".join([*lines, ""]))
    argv = [str(installation.binary), "-DFOREGROUND", "-f", str(config)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert server.stderr is not None
        said = ""
        for line in server.stderr:
            said += line
            if "AH00489" in line:
                break
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET /missing%0a HTTP/1.0\r\n\r\n")
            while client.recv(4096):
                pass
        server.terminate()
        said += server.stderr.read()
    records = parse(said)
    assert len(records) > 20
    assert {"AH00489", "AH00491"} <= {record.ah for record in records}
    assert any(record.client is not None for record in records)
    for record in records:
        assert record.time is not None, record
        assert record.level is not None, record
        assert record.pid is not None, record
        assert record.raw.endswith(record.message), record
        assert not re.match(r"AH\d|\[client|\w+\.c\(", record.message), record


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "error.log"


def test_a_cursor_tells_each_line_once_with_its_number(log: Path) -> None:
    cursor = LogCursor(log)
    assert cursor.read() == []
    log.write_text("one\ntwo\n")
    assert [(record.line, record.raw) for record in cursor.read()] == [(1, "one"), (2, "two")]
    assert cursor.read() == []
    with log.open("a") as file:
        file.write("three\n")
    assert [(record.line, record.raw) for record in cursor.read()] == [(3, "three")]


def test_a_cursor_waits_for_the_end_of_a_line_unless_it_is_final(log: Path) -> None:
    cursor = LogCursor(log)
    log.write_text("one\nha")
    assert [record.raw for record in cursor.read()] == ["one"]
    assert cursor.read() == []
    with log.open("a") as file:
        file.write("lf\nlast")
    assert [record.raw for record in cursor.read()] == ["half"]
    assert [(record.line, record.raw) for record in cursor.read(final=True)] == [(3, "last")]
    assert cursor.read(final=True) == []


def test_a_cursor_starts_anew_when_the_file_is_truncated(log: Path) -> None:
    cursor = LogCursor(log)
    log.write_text("one\ntwo\n")
    cursor.read()
    log.write_text("new\n")
    assert [(record.line, record.raw) for record in cursor.read()] == [(1, "new")]


def test_a_cursor_starts_anew_when_the_file_is_replaced_by_another(log: Path) -> None:
    cursor = LogCursor(log)
    log.write_text("one\n")
    cursor.read()
    shutil.copy(log, log.with_suffix(".1"))
    other = log.with_suffix(".new")
    other.write_text("one, but in a longer file\n")
    other.rename(log)
    assert [(record.line, record.raw) for record in cursor.read()] == [(1, "one, but in a longer file")]


def test_a_cursor_reads_bytes_that_are_no_utf8_and_splits_at_line_feeds_only(log: Path) -> None:
    log.write_bytes(b"caf\xe9 \x85\x0b\x0c end\ncr\r\n\xc3\xa9\n")
    assert [record.raw for record in LogCursor(log).read()] == ["caf\\xe9 \\x85\x0b\x0c end", "cr", "\u00e9"]


def test_a_cursor_never_splits_a_character_between_two_reads(log: Path) -> None:
    cursor = LogCursor(log)
    log.write_bytes(b"\xc3")
    assert cursor.read() == []
    with log.open("ab") as file:
        file.write(b"\xa9\n")
    assert [record.raw for record in cursor.read()] == ["\u00e9"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_log_is_an_error_and_not_an_empty_log(log: Path) -> None:
    log.write_text("one\n")
    log.chmod(0)
    with pytest.raises(PermissionError):
        LogCursor(log).read()
