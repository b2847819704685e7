"""What the terminal shows beside pytest: long work, servers, virtual hosts, durations; and what GitHub is told."""

from __future__ import annotations

import datetime as dt
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.pki import CA

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.targets.base import Target

pytest.importorskip("xdist")

# More than two thousand directives, so that their preparation is told.
LARGE = "\n".join(
    ["<VirtualHost *:80>", "ServerName a.example", *(f"SetEnv V{n} 1" for n in range(2100)), "</VirtualHost>", ""]
)
TESTS = """
    import pytest
    from pytest_modssl import assert_handshake

    def test_first(modssl_server):
        assert_handshake(modssl_server, "www.example.test")

    def test_second(modssl_server):
        assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.2")

    @pytest.mark.modssl(fresh=True)
    def test_reload(modssl_server):
        modssl_server.reload(modssl_server.config.extended("ServerTokens Prod"))
        assert modssl_server.get("https://www.example.test/").status_code == 200

    @pytest.mark.modssl("SSLFoo on")
    def test_refused(modssl_server):
        pass

    def test_without_server():
        pass
"""


@pytest.fixture
def plain(pytester: pytest.Pytester, outer_target: Target, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs on the target of this session, that are not in GitHub Actions."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    return pytester


def section(result: pytest.RunResult, title: str) -> list[str]:
    """The lines below a title, up to the next."""
    start = next(at for at, line in enumerate(result.outlines) if re.fullmatch(rf"=+ {title} =+", line)) + 1
    end = next(at for at, line in enumerate(result.outlines[start:], start) if line.startswith("==="))
    return [line for line in result.outlines[start:end] if line]


def test_long_work_is_told_in_one_line_of_a_terminal_that_is_empty_in_the_end(plain: pytest.Pytester) -> None:
    plain.makefile(".conf", large=LARGE)
    command = [sys.executable, "-m", "pytest", "--modssl", "--co", "-v", "-p", "no:hypothesispytest"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "70", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, cwd=plain.path, env=environment):
        os.close(theirs)
        written = b""
        while piece := _read(ours):
            written += piece
    os.close(ours)
    text = written.decode()
    assert "\x1b" not in text
    lines = text.split("\r\n")
    line = next(one for one in lines if "httpd reads them" in one)
    shown = [one.rstrip() for one in line.split("\r")]
    assert any(re.fullmatch(r"modssl: preparing .*\d s", one) for one in shown)
    assert shown[-1].startswith("collected ")
    assert max(map(len, line.split("\r"))) < 70
    assert sum("preparing" in one for one in lines) == 1


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed: EIO on Linux
        return b""


def test_long_work_is_told_in_lines_elsewhere_and_not_at_all_under_q(plain: pytest.Pytester) -> None:
    plain.makefile(".conf", large=LARGE)
    result = plain.runpytest_inprocess("--modssl", "--co", "-v")
    told = [line for line in result.outlines if "preparing" in line]
    assert [line.partition("directives")[2] for line in told] == [
        "",
        ": httpd reads them",
        ": certificates and other files are made",
    ]
    assert not {"\r", "\x1b"} & set(result.stdout.str())
    assert "preparing" not in plain.runpytest_inprocess("--modssl", "--co", "-q").stdout.str()


HOSTILE = "100%\n::error file=x,line=1::mine\r\n::set-output name=a::b"
ANNOTATED = f"""
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost, assert_handshake

    @pytest.fixture(scope="module")
    def modssl_config(modssl_ca):
        return ServerConfig(
            VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives='''
                SSLProtocol -all +TLSv1.2
            '''),
        )

    @pytest.mark.parametrize("n", range(3))
    def test_protocol(modssl_server, n):
        assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.3")

    def test_hostile(modssl_server):
        raise AssertionError({HOSTILE!r})
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_servers_are_told_by_target_test_and_duration_and_github_of_the_lines_to_blame(
    plain: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("CI", "true")  # pytest's summary has messages whole there
    monkeypatch.setenv("GITHUB_WORKSPACE", str(plain.path.parent))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(plain.path / "summary.md"))
    plain.makepyfile(test_it=TESTS, test_bad=ANNOTATED)
    options = ["--modssl", "-v", "--durations=0", "-p", "no:randomly"]
    if workers:
        result = plain.runpytest_subprocess(*options, "-n", str(workers), "--dist=loadfile")
    else:
        result = plain.runpytest_inprocess(*options, "-p", "no:xdist")
    result.assert_outcomes(passed=4, errors=1, failed=4)
    _tells_servers(result)
    _tells_github(plain.path, result)


def test_github_is_told_what_cannot_be_collected(plain: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    plain.makepyfile(test_it="import nothing_of_that_name")
    told = [line for line in plain.runpytest_inprocess("--modssl").outlines if line.startswith("::")]
    assert len(told) == 1
    assert re.match(r"::error file=\S*test_it\.py,line=1,title=ModuleNotFoundError%3A .*nothing_of_that_name", told[0])


def _tells_servers(result: pytest.RunResult) -> None:
    *_, shown = result.stdout.str().partition("short test summary info")
    assert "FAILED test_bad.py::test_hostile" in shown
    words = {name: word for line in result.outlines for name, word in _told(line)}
    number = words["second"].partition("server ")[2][0]
    used = f"PASSED (server {number}"
    assert words["first"] == f"{used} started)"
    assert words["second"] == f"{used})"
    assert words["reload"] == f"{used} started reloaded)"
    assert re.fullmatch(r"ERROR \(server \d did not start\)", words["refused"])
    assert words["without_server"] == "PASSED"
    first, header, *rows = section(result, "modssl: servers")
    told = r"\S+: 3 servers started in \d+\.\d\d s, 1 did not start, shared 4 times; 8 tests: 3 passed, 5 failed"
    assert re.fullmatch(told, first)
    assert re.split("  +", header) == [
        "server",
        "configuration",
        "target",
        "started",
        "shared",
        "reloaded",
        "slowest start",
    ]
    assert len(rows) == 3
    slowest = section(result, "modssl: slowest durations of servers")
    kinds = {line.split()[1] for line in slowest if re.match(r"\d+\.\d\ds ", line)}
    assert kinds >= {"start", "refused", "reload", "stop"}
    assert any(line.endswith(", in test_it.py::test_reload (fixture modssl_server)") for line in slowest)
    assert f"server {number} was started 2 times, shared 1 time: fresh=True" in slowest


def _tells_github(folder: Path, result: pytest.RunResult) -> None:
    lines = (folder / "test_bad.py").read_text().splitlines()
    at = {name: next(n for n, line in enumerate(lines, 1) if name in line) for name in ("SSLProtocol", "raise")}
    # GitHub's runner takes lines that begin so, whatever white space is before.
    commands = [line for line in result.outlines if line.lstrip().startswith("::")]
    file = f"::error file={folder.name}/test_bad.py"
    assert len(commands) == 3
    assert commands[0].startswith(f"{file},line={at['SSLProtocol']},title=Why does the server refuse the client's")
    assert "To do: let SSLProtocol allow it" in commands[0]
    assert commands[0].endswith("%0A2 more tests say so")
    assert commands[1].startswith(f"::error file={folder.name}/test_it.py,")
    assert commands[2].startswith(
        f"{file},line={at['raise']},title=AssertionError%3A 100%25::test_bad.py::test_hostile"
    )
    summary = (folder / "summary.md").read_text()
    assert "| 3 passed, 5 failed |" in summary
    assert f"| {folder.name}/test_bad.py:{at['SSLProtocol']} |".replace("_", "&#95;").replace(":", "&#58;") in summary
    assert "\n::" not in summary


def _told(line: str) -> list[tuple[str, str]]:
    word = r"(?:PASSED|ERROR)(?: \([^)]*\))?"
    found = re.match(rf"test_it\.py::test_(\w+) ({word}) ", line) or re.match(
        rf"\[gw\d\] \[ *\d+%\] (?P<w>{word}) test_it\.py::test_(?P<n>\w+)", line
    )
    if found is None:
        return []
    return [(found["n"], found["w"])] if "n" in found.groupdict() else [(found[1], found[2])]


def test_without_v_a_target_has_one_line_and_under_q_none(plain: pytest.Pytester) -> None:
    plain.makepyfile(test_it="def test_it(modssl_server): modssl_server.handshake('www.example.test')")
    result = plain.runpytest_inprocess("--modssl")
    (line,) = section(result, "modssl: servers")
    assert re.fullmatch(r"\S+: 1 server started in \d+\.\d\d s; 1 test: 1 passed", line)
    assert "(server" not in result.stdout.str()
    assert "\x1b" not in result.stdout.str()
    quiet = plain.runpytest_inprocess("--modssl", "-q").stdout.str()
    assert "modssl" not in quiet


def host(name: str, more: str = "") -> str:
    return f"""\
        <VirtualHost *:443>
        ServerName {name}
        SSLEngine on
        SSLCertificateFile /etc/ssl/{name}.pem
        SSLCertificateKeyFile /etc/ssl/{name}.key
        {more}
        </VirtualHost>
        """


def test_of_many_hosts_only_some_that_failed_are_told_and_every_one_with_v(plain: pytest.Pytester) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    dated = CA().issue("dated.example", not_before=now - dt.timedelta(days=60), not_after=now + dt.timedelta(days=9.6))
    folder = plain.mkdir("sites-enabled")
    ssl = plain.mkdir("ssl")
    (ssl / "dated.example.pem").write_bytes(dated.cert_file_pem.bytes())
    hosts = [host(f"h{n}.example", "SSLProtocol -all +TLSv1.2" if n < 12 else "") for n in range(20)]
    hosts.append(host("dated.example").replace("/etc/ssl", "/etc/apache2/ssl"))
    (folder / "a\x1b[31m.conf").write_text("".join(hosts))
    checks = "--modssl-checks=starts,handshake,answers,hsts"
    result = plain.runpytest_inprocess("--modssl", "--tb=no", "-p", "no:randomly", checks)
    told = section(result, "modssl: servers")
    assert "\x1b" not in "".join(told)
    assert told[1].startswith(
        r"sites-enabled/a\x1b[31m.conf: 21 virtual hosts, 21 with failures; the certificate of dated."
    )
    assert told[1].endswith("ends first, in 10 days")
    assert len(told) == 2 + 1 + 10 + 1
    assert told[-1] == "  and 11 more with failures (-v shows every host)"
    whole = section(plain.runpytest_inprocess("--modssl", "--tb=no", "-v", checks), "modssl: servers")
    assert sum(bool(re.match(r"  \S+\.example:443 +2/1/0", line)) for line in whole) == 21
    (row,) = (line for line in whole if line.startswith("  dated.example:443"))
    assert row.endswith("10 days")
    assert sum(line.endswith(" days") for line in whole) == 2


def test_github_is_told_nothing_where_that_is_switched_off(
    plain: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(plain.path / "summary.md"))
    plain.makepyfile(test_it="def test_it(modssl_server): assert 0")
    result = plain.runpytest_inprocess("--modssl", "--modssl-annotations=off")
    result.assert_outcomes(failed=1)
    assert "::error" not in result.stdout.str()
    assert not (plain.path / "summary.md").exists()
