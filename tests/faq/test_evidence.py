"""What is known when something fails, read back from a real httpd: directives at the user's lines, the start's log."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, StartError, VirtualHost, assert_handshake_fails
from pytest_modssl.errors import Mismatch, ModsslError
from pytest_modssl.faq import Evidence, diagnose
from pytest_modssl.faq.recognise import unwanted
from pytest_modssl.tls import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget

HERE = Path(__file__)
A, B = "a.example.test", "b.example.test"


@pytest.fixture(scope="module")
def included() -> Iterator[Path]:
    """A file of the user's that httpd may read, whoever it runs as (pytest's own `tmp_path` is 0700)."""
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)
    file = folder / "part.conf"
    file.write_text("# one\nHeader set X-Included yes\n")
    yield file
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(local_target: LocalTarget, included: Path) -> Iterator[Server]:
    ca = CA()
    server = local_target.launch(
        ServerConfig(
            VirtualHost(A, tls=ca.issue(A), directives="SSLOptions +StdEnvVars"),
            VirtualHost(
                B,
                tls=ca.issue(B),
                directives=r"""
                    SSLOptions +StrictRequire \
                        +OptRenegotiate
                    <Location "/in">
                        Header set X-Word "${WORD}"
                    </Location>
                    Include "${PART}"
                """,
            ),
            directives="SSLSessionCacheTimeout 120",
            defines={"WORD": B, "PART": str(included)},
        )
    )
    # The last line of a start, which is written after the server is ready.
    server.log.wait_for("resuming normal operations")
    yield server
    server.stop()


@pytest.fixture
def evidence(server: Server) -> Evidence:
    return server.evidence()


def test_a_directive_is_found_in_its_virtual_host_else_outside_of_all(evidence: Evidence) -> None:
    options = evidence.find("ssloptions", host=f"{A}:443")
    assert options is not None
    assert options.words == ("+StdEnvVars",)
    assert options.host == f"{A}:443"
    timeout = evidence.find("SSLSessionCacheTimeout", host=f"{A}:443")
    assert timeout is not None
    assert (timeout.words, timeout.host) == (("120",), "")
    assert evidence.find("SSLOptions", host=f"{A}:443", word="+StrictRequire") is None
    assert evidence.find("SSLHonorCipherOrder") is None


def test_directives_have_the_user_s_lines_and_values_as_httpd_reads_them(evidence: Evidence) -> None:
    options = evidence.find("SSLOptions", host=f"{B}:443")
    word = evidence.find("Header", host=f"{B}:443", word="X-Word")
    assert options is not None
    assert word is not None
    assert options.words == ("+StrictRequire", "+OptRenegotiate")
    assert word.words == ("set", "X-Word", B)
    assert word.sections[-1] == '<Location "/in">'
    lines = HERE.read_text().splitlines()
    for used, text in ((options, "SSLOptions +StrictRequire"), (word, "Header set X-Word")):
        assert used.place is not None
        assert used.place.origin.file == str(HERE)
        assert text in lines[used.place.origin.line - 1]


def test_a_directive_of_an_included_file_is_told_there(evidence: Evidence, included: Path) -> None:
    used = evidence.find("Header", word="X-Included")
    assert used is not None
    assert str(used.place) == f"at {included}:2: Header set X-Included yes"


def test_a_line_of_ours_is_told_by_the_call_that_brought_it_about(evidence: Evidence, server: Server) -> None:
    used = evidence.find("SSLCertificateFile", host=f"{B}:443")
    origin = server.config.virtual_hosts[1].origin
    assert used is not None
    assert str(used.place) == f"at {origin}: this call brings about SSLCertificateFile"


def test_without_a_dump_the_main_file_tells_what_is_in_effect(evidence: Evidence, server: Server) -> None:
    def no_dump() -> tuple[()]:
        raise ModsslError("this httpd has no mod_info")

    written = Evidence(
        installation=server.installation,
        config=server.config,
        rendered=server.instance.rendered,
        start=evidence.start,
        dump=no_dump,
    )
    for name, host in (("SSLOptions", f"{A}:443"), ("SSLOptions", f"{B}:443"), ("SSLSessionCacheTimeout", "")):
        here, there = written.find(name, host=host), evidence.find(name, host=host)
        assert here is not None
        assert there is not None
        assert (here.words, here.text, here.place, here.host) == (there.words, there.text, there.place, there.host)


def test_the_lines_of_the_start_end_where_the_server_was_ready(evidence: Evidence) -> None:
    assert evidence.start.ready
    assert "resuming normal operations" in evidence.start.lines[-1].message
    assert any(one.ah == "AH01914" for one in evidence.start.lines)


def test_the_server_of_a_handshake_is_known_by_name_and_port(server: Server) -> None:
    server.begin_test()
    server.handshake(B)
    server.handshake("unknown.example.test")
    evidence = server.evidence()
    named, unknown = evidence.seen(Handshake)
    for seen, words in ((named, ("+StrictRequire", "+OptRenegotiate")), (unknown, ("+StdEnvVars",))):
        used = evidence.served_by(seen, "SSLOptions")
        assert used is not None
        assert used.words == words


def test_what_an_assertion_has_accepted_is_no_evidence(server: Server) -> None:
    server.begin_test()
    assert_handshake_fails(server, A, protocol="TLSv1.2", ciphers="AECDH:@SECLEVEL=0", alert="handshake_failure")
    assert len(server.observations) == 1
    assert server.evidence().observations == ()
    server.handshake(A, protocol="TLSv1.2", ciphers="AECDH:@SECLEVEL=0")
    assert len(server.evidence().observations) == 1
    server.begin_test()


def test_a_request_by_hand_has_a_handshake_and_an_answer_at_its_url(server: Server) -> None:
    server.begin_test()
    seen = server.speak(A, f"GET /nothing HTTP/1.1\r\nHost: {A}\r\nConnection: close\r\n\r\n".encode())
    evidence = server.evidence(mismatches=[Mismatch("status", "200", "404")])
    assert evidence.seen(Handshake) == (seen.handshake,)
    assert [one.url for one in unwanted(evidence, 404)] == [f"https://{A}/nothing"]
    assert unwanted(evidence, 403) == ()
    server.accept([seen])
    assert server.evidence().seen(Handshake) == ()
    server.begin_test()


def test_several_causes_are_all_told_the_surest_first(local_target: LocalTarget) -> None:
    leaf = CA().intermediate().issue(A).without_chain()
    server = local_target.launch(ServerConfig(VirtualHost(A, tls=leaf, port=8443), VirtualHost(B, port=8080)))
    try:
        server.handshake(A, port=8443)
        server.handshake(B, port=8080)
        found = diagnose(server.evidence(error=AssertionError("the chain is not trusted")))
    finally:
        server.stop()
    assert [one.entry.id for one in found] == ["connection-hangs", "intermediate-missing"]
    assert [one.finding.certainty for one in found] == ["certain", "likely"]


def test_a_refused_start_is_told_by_the_lines_of_the_last_reload_alone(local_target: LocalTarget) -> None:
    ca = CA()
    server = local_target.launch(ServerConfig(VirtualHost(A, tls=ca.issue(A, ca=True))))
    other = ca.issue(A).with_key(ca.issue(B).private_key)
    try:
        with pytest.raises(StartError) as caught:
            server.reload(ServerConfig(VirtualHost(A, tls=other)))
    finally:
        server.stop()
    assert [one.entry.id for one in caught.value.diagnoses] == ["key-matches-certificate"]
    assert "AH01906" not in str(caught.value)
