"""Crashes, which fail every test that sees one."""

from __future__ import annotations

import re
import shutil
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.errors import MissingProgramError
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from pytest_modssl import CA
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.base import Target
    from tests.plugin.inner import RunPytest

# A server whose children crash at every TLS connection, and not at one without TLS.
CRASHES = """
    import pytest, requests
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.fixture(scope="module")
    def modssl_config(modssl_ca):
        name = "www.example.test"
        hosts = VirtualHost(name, tls=modssl_ca.issue(name)), VirtualHost(name)
        return ServerConfig(*hosts, directives="ThreadStackSize 20480")
"""

# One whose child a CGI ends; a thread whose stack is full runs no handler of signals, and may leave no core.
LEAVES_A_CORE = """
    import pytest, requests
    from pytest_modssl import File, ServerConfig, VirtualHost

    @pytest.fixture(scope="module")
    def modssl_config():
        program = File(b"#!/bin/sh\\nkill -SEGV $PPID\\nsleep 5\\n", executable=True)
        return ServerConfig(VirtualHost("www.example.test", files={"crash.cgi": program}), mpm="prefork")

    def test_it(modssl_server):
        with pytest.raises(requests.ConnectionError):
            modssl_server.get("http://www.example.test/crash.cgi")
"""


@pytest.fixture(autouse=True)
def needs_threads(modssl_target: Target) -> None:
    if modssl_target.installation.mpms == ("prefork",):
        pytest.skip("only threads have a stack of their own")


def test_a_crash_fails_a_test_that_passes_otherwise_and_is_named_beside_another_failure_or_in_the_teardown(
    run: RunPytest,
) -> None:
    result = run(
        CRASHES
        + """
    def crash(server):
        with pytest.raises(requests.ConnectionError):
            server.get("https://www.example.test/")
        assert server.get("http://www.example.test/").status_code == 200

    def test_retried(modssl_server):
        crash(modssl_server)

    def test_otherwise_wrong(modssl_server):
        crash(modssl_server)
        assert 1 == 2

    @pytest.fixture
    def torn_down(modssl_server):
        yield
        crash(modssl_server)

    def test_torn_down(torn_down):
        pass

    @pytest.mark.modssl(fresh=True)
    def test_fresh(torn_down):
        pass

    def test_after(modssl_server):
        pass

    @pytest.mark.modssl(errors=["exit signal"])
    def test_meant(modssl_server):
        crash(modssl_server)
    """,
        "-p",
        "no:xdist",
    )
    result.assert_outcomes(failed=2, passed=4, errors=2)
    told = result.stdout.str()
    for name in ("test_retried _", "test_otherwise_wrong _", "ERROR at teardown of test_torn_down _"):
        part = told.partition(name)[2].partition("\n____")[0]
        assert "AH00052: child pid " in part or "AH00051: child pid " in part
        assert "exit signal Segmentation fault (11)" in part
        assert "(core-dump-help, likely)" in part
    of_its_own = told.partition("ERROR at teardown of test_fresh _")[2].partition("\n____")[0]
    assert "children of httpd crashed during the teardown:" in of_its_own


def test_a_core_and_its_backtrace_are_had_on_request(run: RunPytest, modssl_target: Target) -> None:
    """By whatever this kernel does with cores, and with gdb where it is: each is told as it is."""
    result = run(
        LEAVES_A_CORE,
        "--modssl-backtrace",
        "core",
    )
    result.assert_outcomes(failed=1)
    told = result.stdout.str()
    look = "cat /proc/sys/kernel/core_pattern; ulimit -H -c; command -v gdb"
    pattern, limit, *gdb = modssl_target.installation.run(["sh", "-c", look]).stdout.splitlines()
    if pattern.startswith("|"):
        assert "no core: this kernel hands them to a program" in told
    elif limit == "0":
        assert "no core: the limit for them is 0 here" in told
    elif gdb:
        assert re.search(r"seen: #0  .*\n.*seen: #1  ", told)
    else:
        assert "no backtrace: where httpd runs there is no gdb" in told


@pytest.mark.skipif(shutil.which("gdb") is None, reason="needs gdb")
def test_gdb_runs_the_servers_on_request(run: RunPytest, local_installation: object) -> None:
    result = run(
        CRASHES
        + """
    def test_well(modssl_server):
        assert modssl_server.get("http://www.example.test/").status_code == 200

    def test_crash(modssl_server):
        assert modssl_server.handshake("www.example.test").failure in {"reset", "closed"}
    """,
        *("--modssl-backtrace", "gdb", "--modssl-target", "local"),
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*httpd was ended by signal 11 (SIGSEGV) *",
            "E*gdb: httpd received signal SIGSEGV, Segmentation fault.",
            "E*#0  0x*",
        ]
    )


@pytest.mark.skipif(shutil.which("gdb") is None, reason="needs gdb")
@pytest.mark.parametrize(
    ("directives", "used"),
    [("", False), ("", True), ("ThreadStackSize 20480", True)],
    ids=["stopped at once", "stopped", "crashed"],
)
def test_nothing_is_left_of_a_server_that_gdb_ran(
    local_installation: Installation, modssl_ca: CA, *, directives: str, used: bool
) -> None:
    name = "www.example.test"
    config = ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name)), directives=directives)
    owner = Owner(new_run())
    try:
        target = LocalTarget(local_installation, owner, start_seconds=30, backtrace="gdb")
        server = target.launch(config)
        folder = str(server.instance.folder)
        if used:
            assert server.handshake(name).ok is not bool(directives)
        assert _command_lines(folder)
        server.stop()
        assert server.exit_status != -signal.SIGKILL
        assert _command_lines(folder) == []
    finally:
        owner.close()


def _command_lines(word: str) -> list[list[str]]:
    """Those of all processes that have a word in it."""
    lines = (one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"]))
    return [line for line in lines if any(word in part for part in line)]


def test_gdb_that_is_not_there_is_told_with_what_to_install(
    local_installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    owner = Owner(new_run())
    with pytest.raises(MissingProgramError, match="needs gdb on this machine: apt-get install gdb"):
        LocalTarget(local_installation, owner, start_seconds=1, backtrace="gdb")
    owner.close()
