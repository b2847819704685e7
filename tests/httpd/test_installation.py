from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import HttpdNotFoundError, MissingModuleError, ModsslError
from pytest_modssl.httpd.installation import Installation, Version, find_httpd, probe_installation
from pytest_modssl.httpd.runner import run_here
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@pytest.fixture(scope="module")
def installation() -> Installation:
    return probe_installation(find_httpd())


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def moved_httpd(folder: Path, installation: Installation, modules: Sequence[str]) -> Path:
    """A tree with its own modules folder, as an unpacked package has it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "modules").mkdir()
    for name in modules:
        (folder / "modules" / f"mod_{name}.so").symlink_to(installation.loadable[name])
    return program(folder / "bin" / "httpd", f'exec "{installation.binary}" "$@"')


def test_version_is_what_httpd_v_says(installation: Installation) -> None:
    said = subprocess.run([str(installation.binary), "-v"], capture_output=True, text=True, check=True).stdout
    assert f"Apache/{installation.version} " in said


def test_openssl_is_the_library_that_the_running_server_announces(installation: Installation, tmp_path: Path) -> None:
    """AH00489 of a real start is the judge: what mod_ssl was compiled against may be another version."""
    with socket.socket() as free:
        # Port 0 is refused; should another take this one in between, httpd would say AH00072 in place of AH00489.
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [
        f'ServerRoot "{tmp_path}"',
        f'DefaultRuntimeDir "{tmp_path}"',
        f'PidFile "{tmp_path}/pid"',
        *(f"LoadModule {name}_module {installation.loadable[name]}" for name in ("mpm_event", "ssl")),
        f"User {installation.user}",
        f"Group {installation.group}",
        "ServerName localhost",
        "ErrorLog /dev/stderr",
        "LogLevel info",
        f"Listen 127.0.0.1:{port}",
    ]
    config = tmp_path / "httpd.conf"
    config.write_text("\n".join([*lines, ""]))
    argv = [str(installation.binary), "-DFOREGROUND", "-f", str(config)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert server.stderr is not None
        lines = []
        for line in server.stderr:
            lines.append(line)
            if "AH00489" in line:
                break
        server.terminate()
        server.stderr.read()
    said = "".join(lines)
    assert f"{installation.tls_library}/{installation.openssl} configured" in said
    assert f"Library: OpenSSL/{installation.openssl_built}" in said
    assert ("AH01882" in said) == (installation.openssl_built > installation.openssl)  # type: ignore[operator]


def test_modules_are_found_compiled_in_and_loadable(installation: Installation) -> None:
    assert {"core", "so", "http"} <= installation.static_modules
    assert installation.has("ssl")
    assert not installation.static_modules & set(installation.loadable)
    assert all(path.is_file() for path in installation.loadable.values())
    assert installation.mpms[0] == "event"


def test_every_loadable_module_has_the_symbol_that_its_name_promises(
    installation: Installation, tmp_path: Path
) -> None:
    config = tmp_path / "all.conf"
    names = [name for name in sorted(installation.loadable) if not name.startswith("mpm_")]
    loads = [f'LoadModule {name}_module "{installation.loadable[name]}"' for name in ["mpm_event", *names]]
    config.write_text("\n".join(["ServerName localhost", "ErrorLog /dev/null", *loads, ""]))
    answer = run_here([str(installation.binary), "-t", "-f", str(config)])
    assert "Syntax OK" in answer.stderr


def test_layout_paths_and_account_are_those_of_the_machine(installation: Installation) -> None:
    assert installation.settings["HTTPD_ROOT"] == str(installation.server_root)
    if Path("/etc/debian_version").exists() and installation.binary == Path("/usr/sbin/apache2"):
        assert (installation.layout, installation.user, installation.group) == ("debian", "www-data", "www-data")
        assert installation.config_file == Path("/etc/apache2/apache2.conf")


def test_id_is_short_and_safe_in_a_shell(installation: Installation) -> None:
    assert installation.id == f"httpd{installation.version}-openssl{installation.openssl}"
    said = subprocess.run(["sh", "-c", f"echo {installation.id}"], capture_output=True, text=True, check=True).stdout
    assert said.strip() == installation.id


@pytest.mark.parametrize(
    ("status", "told"), [(-9, "was ended by signal 9 (SIGKILL) before it had answered"), (-11, None)]
)
def test_an_httpd_that_is_ended_from_outside_has_not_answered(
    installation: Installation, status: int, told: str | None
) -> None:
    def run(argv: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, status, "", "")

    asked = replace(installation, run=run)
    if told is None:  # it crashed: that is an answer
        assert asked.ask(["-t"]).returncode == status
        return
    with pytest.raises(ModsslError, match=re.escape(f"{asked.binary} -t` {told}")):
        asked.ask(["-t"])


def test_a_probe_is_one_command_of_the_runner() -> None:
    commands: list[list[str]] = []

    def run(
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 1,
        account: tuple[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        commands.append(list(argv))
        return run_here(argv, env=env, timeout=timeout, account=account)

    found = probe_installation(find_httpd(), run=run)
    assert [command[0] for command in commands] == ["sh"]
    assert found.run is run


def test_modules_beside_the_binary_win_over_the_compiled_in_folder(installation: Installation, tmp_path: Path) -> None:
    binary = moved_httpd(tmp_path / "a b", installation, ["mpm_prefork", "ssl", "info"])
    found = probe_installation(binary)
    assert found.modules_folder == tmp_path / "a b" / "modules"
    assert set(found.loadable) == {"mpm_prefork", "ssl", "info"}
    assert found.mpms == ("prefork",)
    assert (found.openssl, found.openssl_built) == (installation.openssl, installation.openssl_built)


def test_the_openssl_that_was_installed_with_an_httpd_is_named(installation: Installation, tmp_path: Path) -> None:
    binary = moved_httpd(tmp_path, installation, ["mpm_prefork"])
    found = probe_installation(binary)
    assert (found.openssl_program, found.openssl_command) == (None, None)
    beside = program(tmp_path / "bin" / "openssl", "exit 0")
    found = probe_installation(binary, prefix=("/usr/bin/env",))
    assert found.openssl_program == beside
    assert found.openssl_command == ("/usr/bin/env", str(beside))


def test_httpd_without_mod_ssl_has_no_openssl_and_names_the_package(installation: Installation, tmp_path: Path) -> None:
    found = probe_installation(moved_httpd(tmp_path / "h", installation, ["mpm_event", "headers"]))
    assert (found.openssl, found.openssl_built, found.tls_library) == (None, None, None)
    assert found.id == f"httpd{found.version}-nossl"
    assert not found.can("ssl")
    assert not found.can("TLSv1.3")
    with pytest.raises(MissingModuleError, match=r"(?s)lacks 2 modules.*mod_rewrite: .*mod_ssl: ") as caught:
        found.require(["ssl", "headers", "rewrite", "core"])
    assert "mod_headers" not in str(caught.value)
    assert ("apt-get install apache2-bin" in str(caught.value)) == (found.layout == "debian")


def test_modules_below_the_compiled_in_root_are_found_where_none_lie_beside_the_binary(
    installation: Installation, tmp_path: Path
) -> None:
    moved_httpd(tmp_path / "home", installation, ["ssl"])
    (tmp_path / "bin").mkdir()
    rooted = f's|HTTPD_ROOT=.*|HTTPD_ROOT="{tmp_path}/home"|'
    binary = program(tmp_path / "bin" / "httpd", f'"{installation.binary}" "$@" 2>&1 | sed \'{rooted}\'')
    found = probe_installation(binary)
    assert found.modules_folder == tmp_path / "home" / "modules"
    assert (found.openssl, found.server_root) == (installation.openssl, tmp_path / "home")


def test_a_module_that_is_compiled_in_and_lies_there_too_is_not_loadable(
    installation: Installation, tmp_path: Path
) -> None:
    binary = moved_httpd(tmp_path / "h", installation, ["mpm_event", "ssl"])
    script = f'"{installation.binary}" "$@"; status=$?; [ "$1" != -l ] || echo "  mod_ssl.c"; exit $status'
    found = probe_installation(program(binary, script))
    assert "ssl" in found.static_modules
    assert set(found.loadable) == {"mpm_event"}


def test_httpd_without_any_mpm_says_so(installation: Installation, tmp_path: Path) -> None:
    found = probe_installation(moved_httpd(tmp_path / "h", installation, ["ssl"]))
    with pytest.raises(MissingModuleError, match="mod_mpm_event"):
        _ = found.mpms


def test_require_is_content_with_what_is_there(installation: Installation) -> None:
    installation.require(["ssl", "core", "mpm_event"])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo hello", "hello"),
        ("echo oops >&2; exit 3", "oops"),
        ("exit 0", "nothing"),
        ('exec cat "$@"', "invalid option"),
    ],
)
def test_a_program_that_is_no_httpd_is_told_with_its_answer(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(HttpdNotFoundError, match=said):
        probe_installation(program(tmp_path / "httpd", script))


def test_a_program_that_never_ends_is_killed_with_all_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_modssl.httpd.installation._PROBE_SECONDS", 0.3)
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    hanging = program(tmp_path / "httpd", f'exec 3<>"{fifo}"; read nothing <&3')
    with pytest.raises(HttpdNotFoundError, match=r"no end after 0\.3 s"):
        probe_installation(hanging)

    def nobody_holds_the_other_end() -> bool:
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            return error.errno == errno.ENXIO
        return False

    # A killed process closes its output, on which the probe waits, before it closes the fifo.
    until(nobody_holds_the_other_end, seconds=10, what="the program's child to be gone")


def test_a_named_httpd_is_taken_by_path_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(tmp_path / "myhttpd", "")
    assert find_httpd(str(own)) == own
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_httpd("myhttpd") == own
    monkeypatch.chdir(tmp_path)
    assert find_httpd("./myhttpd") == own


def test_a_named_httpd_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HttpdNotFoundError, match=r"no program that can be run: install it with .*--modssl-target"):
        find_httpd(str(tmp_path / "none"))
    with pytest.raises(HttpdNotFoundError, match="is a folder"):
        find_httpd(str(tmp_path))


def test_httpd_is_found_outside_of_path_where_distributions_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = program(tmp_path / "httpd", "")
    monkeypatch.setenv("PATH", "/nonexistent")
    candidates = ("apache2", "httpd", "/nonexistent/httpd", str(own))
    monkeypatch.setattr("pytest_modssl.httpd.installation.CANDIDATES", candidates)
    assert find_httpd() == own


def test_no_httpd_at_all_lists_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    candidates = ("apache2", "httpd", "/nowhere/apache2", "/nowhere/httpd")
    monkeypatch.setattr("pytest_modssl.httpd.installation.CANDIDATES", candidates)
    with pytest.raises(
        HttpdNotFoundError, match=r"(?s)/nonexistent.*/nowhere/apache2, /nowhere/httpd.*apt-get install"
    ):
        find_httpd()


@pytest.mark.parametrize(
    ("text", "version", "printed"),
    [
        ("Server version: Apache/2.4.71 (Debian)", (2, 4, 71, ""), "2.4.71"),
        ("OpenSSL 1.1.1w", (1, 1, 1, "w"), "1.1.1w"),
        ("LibreSSL 3.3.6", (3, 3, 6, ""), "3.3.6"),
    ],
)
def test_versions_are_read_and_printed(text: str, version: tuple[int, int, int, str], printed: str) -> None:
    parsed = Version.parse(text)
    assert parsed == version
    assert f"{parsed}" == str(parsed) == printed


def test_versions_compare_as_numbers() -> None:
    assert Version.parse("2.4.9") < Version.parse("2.4.10")
    assert Version.parse("1.1.1") < Version.parse("1.1.1w") < Version.parse("3.0.0")
    with pytest.raises(ValueError, match="no version"):
        Version.parse("2.4")


def test_a_command_that_cannot_be_executed_gives_status_127() -> None:
    answer = run_here(["/nonexistent/program"])
    assert (answer.returncode, answer.stderr) == (127, "/nonexistent/program: No such file or directory")


def test_a_command_has_the_added_variables_no_terminal_and_no_input() -> None:
    answer = run_here(
        ["sh", "-c", "echo $MODSSL_X; cat; (: </dev/tty) 2>/dev/null || echo none"], env={"MODSSL_X": "y"}
    )
    assert answer.stdout == "y\nnone\n"


def test_a_wrapper_elsewhere_has_the_modules_of_the_httpd_that_it_runs(tmp_path: Path) -> None:
    real = find_httpd()
    (tmp_path / "bin").mkdir()
    wrapper = program(tmp_path / "bin" / "httpd", f'exec {real} "$@"')
    assert probe_installation(wrapper).loadable.keys() == probe_installation(real).loadable.keys()
