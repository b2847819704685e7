"""What fails a test, and what is shown of a failure: every decisive line, and no secret."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, ServerGoneError, StartError, VirtualHost, WaitTimeoutError, assert_handshake
from pytest_modssl.asserts import ModsslAssertionError
from pytest_modssl.httpd.render import ERROR_LOG
from pytest_modssl.report import outcome
from pytest_modssl.report.failure import explain
from pytest_modssl.report.outcome import UnexpectedLogError, check_servers
from pytest_modssl.targets.local import LocalInstance, LocalTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import Server

NAME = "www.example.test"
PASS_PHRASE = "open-sesame-4711"
DENIED = """
    <Location /denied>
        Require all denied
    </Location>
"""

needs_notes = pytest.mark.skipif(not hasattr(BaseException, "add_note"), reason="errors have notes since Python 3.11")


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


@pytest.fixture(scope="module")
def running(local_target: LocalTarget, ca: CA) -> Iterator[Server]:
    """A server of which the plugin knows nothing, so that these tests may do what a test must not."""
    server = local_target.launch(
        ServerConfig(
            VirtualHost(NAME, tls=ca.issue(NAME), directives=DENIED),
            VirtualHost(NAME, directives=DENIED),
            pki={"secret.pem": ca.issue(NAME).key_file_pem},
        )
    )
    yield server
    server.stop()


@pytest.fixture
def server(running: Server) -> Server:
    running.begin_test()
    return running


def denied(server: Server) -> None:
    assert server.get(f"https://{NAME}/denied").status_code == 403


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


def section(error: BaseException, server: Server, title: str) -> str:
    (text,) = (text for name, text in explain(error, [server]) if title in name)
    return text


def test_a_test_that_brings_nothing_about_passes(server: Server) -> None:
    assert server.get(f"https://{NAME}/").status_code == 200
    check_servers([server], [])


def test_an_unexpected_error_is_told_with_its_line_and_what_to_do(server: Server) -> None:
    denied(server)
    with pytest.raises(UnexpectedLogError) as caught:
        check_servers([server], [])
    first, line, hint = str(caught.value).splitlines()
    assert first == "the server logged what this test did not expect:"
    assert re.fullmatch(r"  \[.*\] \[authz_core:error\] .* AH01630: client denied by server configuration: .*", line)
    assert hint == "if the test brings it about on purpose, say so: @pytest.mark.modssl(errors=[...])"


@pytest.mark.parametrize("wanted", ["AH01630", "client denied", re.compile("denied by .* configuration")])
def test_an_error_that_was_expected_passes(server: Server, wanted: str | re.Pattern[str]) -> None:
    denied(server)
    check_servers([server], [wanted])


def test_an_expected_error_that_did_not_come_is_told_beside_one_that_did(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "_LATE_SECONDS", 0)
    denied(server)
    with pytest.raises(UnexpectedLogError) as caught:
        check_servers([server], ["AH02032"])
    assert "AH01630" in str(caught.value).splitlines()[1]
    assert str(caught.value).splitlines()[-1] == (
        "the test expects 'AH02032' in the error log, but the server did not log it"
    )


def test_an_error_that_one_of_two_servers_logged_is_enough(server: Server, local_target: LocalTarget) -> None:
    other = local_target.launch(ServerConfig(VirtualHost("b.test")))
    try:
        assert other.get("http://b.test/").status_code == 200
        denied(server)
        check_servers([other, server], ["AH01630"])
    finally:
        other.stop()


def test_many_lines_are_told_by_the_first_forty_and_the_number_of_the_rest(server: Server) -> None:
    for _ in range(45):
        denied(server)
    with pytest.raises(UnexpectedLogError) as caught:
        check_servers([server], [])
    assert str(caught.value).count("AH01630") == 40
    assert "\n  ... and 5 more\n" in str(caught.value)


def test_a_server_that_ended_is_told_with_its_status_and_its_last_words(local_target: LocalTarget) -> None:
    server = local_target.launch(ServerConfig(VirtualHost(NAME, directives=DENIED)))
    try:
        assert server.get(f"http://{NAME}/denied").status_code == 403
        assert isinstance(server.instance, LocalInstance)
        server.instance.process.kill()
        with pytest.raises(ServerGoneError, match=r"was ended by signal 9 \(SIGKILL\)") as caught:
            check_servers([server], [])
        explain(caught.value, [server])
        if hasattr(caught.value, "add_note"):
            assert "AH01630" in notes(caught.value)
    finally:
        server.stop()


def test_a_failure_is_explained_by_log_observations_commands_and_configuration(server: Server) -> None:
    denied(server)
    server.handshake(NAME)
    titles = [title for title, _ in explain(AssertionError(), [server])]
    name = server.installation.id
    assert titles == [
        f"modssl: error log of {name}",
        f"modssl: seen from outside, {name}",
        "modssl: to repeat by hand while a server runs on this configuration",
        f"modssl: configuration of {name}",
    ]
    assert "AH01630" in section(AssertionError(), server, "error log")
    seen = section(AssertionError(), server, "seen from outside")
    assert seen.startswith(f"GET https://{NAME}/denied\n  403 Forbidden\n  Date: ")
    assert "TLSv1.3" in seen
    assert "ClientHello" in seen, "the transcript"


def test_the_configuration_has_the_line_numbers_that_httpd_speaks_of(server: Server) -> None:
    denied(server)
    lines = section(AssertionError(), server, "configuration of").splitlines()
    assert [int(line[:4]) for line in lines] == list(range(1, len(lines) + 1))
    assert "\n".join(line[5:] for line in lines) + "\n" == server.instance.rendered.text


def test_the_command_that_is_shown_repeats_the_request(server: Server) -> None:
    denied(server)
    denied(server)
    (line,) = section(AssertionError(), server, "repeat by hand").splitlines()
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=30, check=True)
    assert "403 Forbidden" in done.stderr + done.stdout


def test_a_server_that_the_test_did_not_use_explains_nothing(running: Server) -> None:
    if "AH00094" not in (running.instance.folder / ERROR_LOG).read_text():
        running.log.wait_for("AH00094")  # the last line of a start, which comes after the server is ready
    server = running
    server.begin_test()
    assert explain(AssertionError(), [server]) == []
    assert explain(AssertionError(), []) == []


@needs_notes
def test_warnings_and_worse_become_a_note_for_reports_that_know_no_sections(server: Server) -> None:
    denied(server)
    error = AssertionError("of the test")
    explain(error, [server])
    first, line = notes(error).splitlines()
    assert first == "the server logged during this test:"
    assert "AH01630" in line


@needs_notes
def test_a_test_without_warnings_gets_no_note(server: Server) -> None:
    server.get(f"https://{NAME}/")
    error = AssertionError("of the test")
    explain(error, [server])
    assert server.log.records
    assert notes(error) == ""


def test_an_error_that_is_raised_for_several_tests_has_the_notes_of_the_last_one_and_its_own(server: Server) -> None:
    error = AssertionError("no data base")
    vars(error)["__notes__"] = ["of the user"]
    for _ in range(2):
        server.begin_test()
        denied(server)
        explain(error, [server])
    (last,) = (record.raw for record in server.log.records if record.ah == "AH01630")
    assert notes(error) == f"of the user\nthe server logged during this test:\n  {last}"


def test_an_error_that_shows_the_log_already_gets_no_note(server: Server) -> None:
    denied(server)
    with pytest.raises(ModsslAssertionError) as asserted:
        assert_handshake(server, NAME, signature="rsa_pkcs1_sha1")
    with pytest.raises(WaitTimeoutError) as awaited:
        server.log.wait_for("AH02032", timeout=0)
    with pytest.raises(UnexpectedLogError) as checked:
        check_servers([server], [])
    for caught in (asserted, awaited, checked):
        assert "AH01630" in str(caught.value)
        explain(caught.value, [server])
        assert notes(caught.value) == ""


def test_no_section_shows_a_private_key_or_its_pass_phrase(local_target: LocalTarget, ca: CA, server: Server) -> None:
    alice = ca.issue_client("alice")
    server.session(client=alice).get(f"https://{NAME}/")
    server.handshake(NAME, client=alice)
    server.scan(NAME)
    server.probe(NAME)
    error = AssertionError()
    shown = "\n".join(text for _, text in explain(error, [server])) + notes(error)
    locked = ca.issue(NAME, key_type="rsa-2048").with_pass_phrase(PASS_PHRASE)
    with pytest.raises(StartError) as refused:
        local_target.launch(ServerConfig(VirtualHost(NAME, tls=locked)))
    shown += str(refused.value) + "".join(text for _, text in explain(refused.value, []))
    secrets = [one.key_file_pem.text().splitlines()[1] for one in (alice, locked)]
    secrets += [path.read_text().splitlines()[1] for path in server.instance.folder.rglob("*.key")]
    assert len(secrets) >= 4
    for secret in (PASS_PHRASE, "PRIVATE KEY", *secrets):
        assert secret not in shown


def test_the_configuration_that_httpd_refused_is_shown_with_line_numbers(local_target: LocalTarget) -> None:
    with pytest.raises(StartError) as caught:
        local_target.launch(ServerConfig(VirtualHost(NAME, directives="Nonsense on")))
    ((title, text),) = explain(caught.value, [])
    assert title == "modssl: configuration that httpd refused"
    assert text.startswith("   1 Define ")
    assert re.search(r"^ +\d+ Nonsense on$", text, re.MULTILINE)
    assert explain(AssertionError(), []) == []
