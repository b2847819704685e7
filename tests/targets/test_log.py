"""One test's slice of a log: what belongs to it, what it expects, and what should not be there."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.errors import WaitTimeoutError
from pytest_modssl.targets.log import ServerLog

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "127.1.2.3:40001", "127.1.2.3:40002"


class Logs(Protocol):
    def __call__(self, message: str, *, level: str = "error", client: str | None = None) -> None: ...


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "error.log"


@pytest.fixture
def log(path: Path) -> ServerLog:
    return ServerLog(path)


@pytest.fixture
def logs(path: Path) -> Logs:
    """What httpd does when it logs a line."""

    def logs(message: str, *, level: str = "error", client: str | None = None) -> None:
        peer = f"[client {client}] " if client else ""
        with path.open("a") as file:
            file.write(f"[Mon Nov 23 22:30:49.048985 2026] [ssl:{level}] [pid 7:tid 8] {peer}{message}\n")

    return logs


def messages(log: ServerLog) -> list[str]:
    return [record.message for record in log.records]


def test_a_log_that_is_not_there_yet_has_no_records(log: ServerLog, logs: Logs) -> None:
    assert log.records == ()
    log.begin()
    logs("AH00001: first")
    assert messages(log) == ["first"]


def test_a_slice_begins_with_its_test_and_is_read_anew_on_every_access(log: ServerLog, logs: Logs) -> None:
    logs("AH00001: of the start")
    log.begin()
    logs("AH00002: one")
    assert messages(log) == ["one"]
    logs("AH00003: two")
    assert messages(log) == ["one", "two"]
    log.begin()
    assert messages(log) == []


def test_half_a_line_belongs_to_the_slice_in_which_it_is_ended(log: ServerLog, path: Path) -> None:
    with path.open("a") as file:
        file.write("[Mon Nov 23 22:30:49.048985 2026] [ssl:error] [pid 7:tid 8] AH00001: wri")
        file.flush()
        log.begin()
        assert messages(log) == []
        file.write("tten\n")
    assert messages(log) == ["written"]


def test_late_lines_about_connections_that_have_ended_are_nobodys(log: ServerLog, logs: Logs) -> None:
    logs("AH01964: connection", client=ONE)
    logs("AH00489: configured")
    log.begin(frozenset())
    logs("AH01998: closed", client=ONE)
    logs("AH01964: another connection", client=TWO)
    logs("AH00163: resuming")
    assert messages(log) == ["another connection", "resuming"]


def test_late_lines_are_known_by_what_the_slice_before_had_read_already(log: ServerLog, logs: Logs) -> None:
    log.begin(frozenset())
    logs("AH01964: connection", client=ONE)
    assert messages(log) == ["connection"]
    log.begin(frozenset())
    logs("AH01998: closed", client=ONE)
    assert messages(log) == []


def test_lines_about_connections_that_are_still_open_are_kept(log: ServerLog, logs: Logs) -> None:
    logs("AH01964: connection", client=ONE)
    logs("AH01964: connection", client=TWO)
    log.begin(frozenset({TWO}))
    logs("AH02041: of the first", client=ONE)
    logs("AH02041: of the second", client=TWO)
    assert messages(log) == ["of the second"]


def test_where_open_connections_are_not_known_every_line_counts(log: ServerLog, logs: Logs) -> None:
    logs("AH01964: connection", client=ONE)
    log.begin(None)
    logs("AH01998: closed", client=ONE)
    assert messages(log) == ["closed"]


def test_a_port_that_a_later_client_is_given_again_is_heard_again(log: ServerLog, logs: Logs) -> None:
    logs("AH01964: connection", client=ONE)
    log.begin(frozenset())
    log.begin(frozenset())
    logs("AH01964: connection", client=ONE)
    assert messages(log) == ["connection"]


def test_a_port_that_is_given_again_at_once_is_heard_from_its_connection_on(log: ServerLog, logs: Logs) -> None:
    logs("AH01964: connection", client=ONE)
    log.begin(frozenset())
    logs("AH01998: closed", client=ONE)
    logs("AH01964: connection", client=ONE)
    logs("AH02041: of the second", client=ONE)
    assert messages(log) == ["connection", "of the second"]


def test_a_client_that_a_header_names_never_ends(log: ServerLog, logs: Logs) -> None:
    for _ in range(3):
        logs("AH01964: connection", client=ONE)
        logs("AH01630: denied", client="203.0.113.7:0")
        assert messages(log)[-1] == "denied"
        log.begin(frozenset())


def test_a_connection_that_ends_some_tests_after_it_began_is_known_by_then(log: ServerLog, logs: Logs) -> None:
    logs("AH01964: connection", client=ONE)
    for _ in range(2):
        log.begin(frozenset({ONE}))
    log.begin(frozenset())
    logs("AH01998: closed", client=ONE)
    assert messages(log) == []


@pytest.mark.parametrize("wanted", ["AH02032", "Hostname a.test", re.compile(r"ssl:error\].*AH02032: Host")])
def test_a_record_is_found_by_number_by_text_and_by_pattern(
    log: ServerLog, logs: Logs, wanted: str | re.Pattern[str]
) -> None:
    log.begin()
    logs("AH02033: another")
    assert log.find(wanted) is None
    logs("AH02032: Hostname a.test provided via SNI")
    found = log.find(wanted)
    assert found is not None
    assert found.ah == "AH02032"


def test_waiting_ends_as_soon_as_the_line_is_there(log: ServerLog, logs: Logs) -> None:
    log.begin()
    writer = threading.Timer(0.05, logs, ["AH02032: late"])
    writer.start()
    assert log.wait_for("AH02032", timeout=30).message == "late"
    writer.join()


def test_waiting_in_vain_tells_what_was_awaited_and_what_came_instead(log: ServerLog, logs: Logs) -> None:
    log.begin()
    with pytest.raises(WaitTimeoutError) as caught:
        log.wait_for("AH02032", timeout=0)
    assert str(caught.value) == (
        "waited 0 s for 'AH02032' in the error log. This test's lines:\n  (nothing was logged)"
    )
    logs("AH02033: another")
    with pytest.raises(WaitTimeoutError) as caught:
        log.wait_for(re.compile("AH0.*32"), timeout=0.01)
    assert str(caught.value).startswith("waited 0.01 s for 'AH0.*32' in the error log. This test's lines:\n  [Mon Nov")
    assert str(caught.value).endswith("] AH02033: another")


@pytest.mark.parametrize("level", ["emerg", "alert", "crit", "error"])
def test_errors_and_worse_are_unexpected(log: ServerLog, logs: Logs, level: str) -> None:
    log.begin()
    for harmless in ("warn", "notice", "info", "debug", "trace1"):
        logs("AH00001: harmless", level=harmless)
    logs("AH00002: harmful", level=level)
    assert [record.message for record in log.unexpected()] == ["harmful"]


@pytest.mark.parametrize("ah", ["AH00051", "AH00052"])
def test_a_child_that_crashed_is_unexpected_though_httpd_notes_it_at_notice(
    log: ServerLog, logs: Logs, ah: str
) -> None:
    log.begin()
    logs(f"{ah}: child pid 7 exit signal Segmentation fault (11)", level="notice")
    assert [record.ah for record in log.unexpected()] == [ah]


def test_what_a_cgi_prints_is_not_unexpected(log: ServerLog, path: Path) -> None:
    log.begin()
    path.write_text("error: this is a script's own\n")
    assert messages(log) == ["error: this is a script's own"]
    assert log.unexpected() == ()


def test_expected_errors_count_no_longer_and_the_next_test_expects_nothing(log: ServerLog, logs: Logs) -> None:
    log.begin()
    logs("AH01630: denied")
    logs("AH02032: name")
    log.expect("AH01630", re.compile("no such line"))
    assert [record.ah for record in log.unexpected()] == ["AH02032"]
    log.begin()
    logs("AH01630: denied")
    assert [record.ah for record in log.unexpected()] == ["AH01630"]


def test_a_block_expects_each_of_its_errors_and_only_those(log: ServerLog, logs: Logs) -> None:
    log.begin()
    with log.expecting("AH01630", "name"):
        logs("AH01630: denied")
        logs("AH02032: name")
        logs("AH02033: other")
    assert [record.ah for record in log.unexpected()] == ["AH02033"]


def test_a_block_whose_error_does_not_come_tells_which(
    log: ServerLog, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = log.wait_for
    monkeypatch.setattr(log, "wait_for", lambda wanted: wait(wanted, timeout=0))
    log.begin()
    with pytest.raises(WaitTimeoutError, match="for 'AH02032' in the error log"), log.expecting("AH01630", "AH02032"):
        logs("AH01630: denied")


def test_a_block_that_fails_by_itself_fails_with_its_own_error(log: ServerLog) -> None:
    log.begin()
    with pytest.raises(ZeroDivisionError), log.expecting("AH02032"):
        _ = 1 / 0
