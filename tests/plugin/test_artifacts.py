"""What is kept of tests (`--modssl-artifacts`), and what other plugins' reports say of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.report import captures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.targets.base import Target
    from tests.plugin.inner import RunPytest

SOURCE = """
    import pytest

    URL = "https://www.example.test/"

    @pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
    def test_wrong(modssl_server, protocol):
        with modssl_server.session(protocol=protocol) as session:
            assert session.get(f"{URL}by-requests-{protocol}").status_code == 404
        request = f"GET /by-hand-{protocol} HTTP/1.1\\r\\nHost: www.example.test\\r\\nConnection: close\\r\\n\\r\\n"
        spoken = modssl_server.speak("www.example.test", request.encode(), protocol=protocol)
        modssl_server.get("http://www.example.test/in-clear", headers={"Authorization": "Basic YWxpY2U6aHVudGVyMjIy"})
        modssl_server.probe("www.example.test")
        assert spoken.status == WANTED

    @pytest.fixture
    def broken(modssl_server):
        modssl_server.get(f"{URL}in-setup")
        assert WANTED == 404

    def test_setup(broken):
        pass

    @pytest.mark.modssl("DIRECTIVE")
    def test_start(modssl_server):
        pass

    @pytest.fixture
    def torn_down(modssl_server):
        yield
        modssl_server.get(f"{URL}in-teardown")
        assert WANTED == 404

    @pytest.mark.modssl(fresh=True)
    def test_torn_down(torn_down):
        pass

    def test_right(modssl_server):
        assert modssl_server.get(URL).status_code == 200

    @pytest.mark.xfail(reason="known", strict=True)
    def test_expected_to_fail(modssl_server):
        assert modssl_server.get(URL).status_code == 201

    def test_without_a_server():
        assert WANTED == 404
"""
WRONG = SOURCE.replace("WANTED", "403").replace("DIRECTIVE", "SSLFoo on")
RIGHT = SOURCE.replace("WANTED", "404").replace("DIRECTIVE", "ServerSignature Off")
FAILED = {"test_wrong-TLSv1.2", "test_wrong-TLSv1.3", "test_setup", "test_start", "test_torn_down"}
KEPT = "--modssl-artifacts=kept"


def kept(pytester: pytest.Pytester) -> dict[str, Path]:
    """The folders that are there, by test."""
    folders = (pytester.path / "kept").glob("*")
    return {path.name.partition(".py-")[2].rpartition("-")[0]: path for path in folders}


def files(folder: Path) -> set[str]:
    """The names of the files in a folder, those of a server without their folder."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(Path(*path.parts[1:])) if path.parts[0].startswith("server1-") else str(path) for path in paths}


def test_each_failure_has_a_folder_that_goes_when_the_test_passes_again(
    run: RunPytest, pytester: pytest.Pytester
) -> None:
    bad = run(WRONG, KEPT, "-n2", "--junitxml=told/junit.xml")
    bad.assert_outcomes(failed=3, passed=2, errors=3, xfailed=1)
    folders = kept(pytester)
    assert folders.keys() == FAILED
    refused = {"bug-report.txt", "modssl-artifacts.json", "transcript.txt", "configuration/httpd.conf", "error.log"}
    asked = refused | {"capture.pcapng", "keys.log", "commands.sh", "ca.pem", "configuration/environment.conf"}
    for name, folder in folders.items():
        assert files(folder) == (refused if name == "test_start" else asked), name
        bad.stdout.fnmatch_lines([f"bug report: {folder}/bug-report.txt"])
        assert "\nWhere to send it\n" in (folder / "bug-report.txt").read_text()
        told = json.loads((folder / "modssl-artifacts.json").read_bytes())
        assert (told["outcome"], told["cut"]) == ("failed", [])
        everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert b"PRIVATE KEY" not in everything
        assert b"aHVudGVyMjIy" not in everything
    assert "(unknown-directive)" in (folders["test_start"] / "bug-report.txt").read_text()
    (configuration,) = folders["test_start"].glob("server1-*/configuration/httpd.conf")
    assert "\nSSLFoo on\n" in configuration.read_text()
    wrong = folders["test_wrong-TLSv1.2"]
    assert "GET http://www.example.test/in-clear\n  404 Not Found" in (wrong / "bug-report.txt").read_text()
    transcript = (wrong / "transcript.txt").read_text()
    assert "> b'GET /by-hand-TLSv1.2 HTTP/1.1" in transcript
    assert " to port 80 (at 127." in transcript
    (log,) = wrong.glob("server1-*/error.log")
    assert "Connection to child" in log.read_text()
    subprocess.run(["sh", "-n", wrong / "commands.sh"], check=True)
    decrypted(folders)

    properties = {
        (case.get("name"), one.get("value"))
        for case in ET.parse(pytester.path / "told" / "junit.xml").iter("testcase")
        for one in case.iter("property")
        if one.get("name") == "modssl_artifacts"
    }
    names = {
        "test_setup": "test_setup",
        "test_wrong-TLSv1.3": "test_wrong[TLSv1.3]",
        "test_torn_down": "test_torn_down",
    }
    assert {(test, f"kept/{folders[name].name}") for name, test in names.items()} <= properties
    assert len(properties) == len(folders)

    good = run(RIGHT, KEPT, "-p", "no:xdist")
    good.assert_outcomes(passed=7, xfailed=1)
    assert kept(pytester) == {}
    if shutil.which("tshark") is None:
        pytest.skip("all was looked at but what tshark sees: tools/programs installs it")


def decrypted(folders: dict[str, Path]) -> None:
    """What tshark sees in the captures: every request, also those over TLS, and nothing that is wrong."""
    for folder in (folders["test_wrong-TLSv1.2"], folders["test_wrong-TLSv1.3"], folders["test_torn_down"]):
        capture = captures.read((folder / "capture.pcapng").read_bytes())
        assert capture.keys == (folder / "keys.log").read_bytes()
        assert {one.target[1] for one in captures.segments(capture) if one.flags == 2} <= {443, 80}
    if shutil.which("tshark") is None:
        if "tshark" in os.environ.get("PYTEST_MODSSL_REQUIRE", ""):
            pytest.fail("PYTEST_MODSSL_REQUIRE names tshark, and there is none: tools/programs installs it")
        return
    for protocol in ("TLSv1.2", "TLSv1.3"):
        folder = folders[f"test_wrong-{protocol}"]
        assert asked(folder) == [
            (f"/by-requests-{protocol}", "tls"),
            (f"/by-hand-{protocol}", "tls"),
            ("/in-clear", "http"),
        ]
        wrong = "_ws.malformed || tcp.analysis.flags || tcp.checksum.status == Bad || ip.checksum.status == Bad"
        checked = "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"
        assert tshark(folder, "-Y", wrong, *checked) == []
    assert [path for path, _ in asked(folders["test_torn_down"])] == ["/in-teardown"]
    without = folders["test_setup"] / "without-keys.pcapng"
    whole = (folders["test_setup"] / "capture.pcapng").read_bytes()
    keys = whole.index(b"\x0a\0\0\0", 28)
    without.write_bytes(whole[:keys] + whole[keys + int.from_bytes(whole[keys + 4 : keys + 8], "little") :])
    assert [path for path, _ in asked(folders["test_setup"])] == ["/in-setup"]
    assert asked(folders["test_setup"], without.name) == [], "without the secrets nothing can be read"
    without.unlink()


def asked(folder: Path, name: str = "capture.pcapng") -> list[tuple[str, str]]:
    """Path of every request, and whether it was over TLS."""
    fields = ("-T", "fields", "-e", "http.request.uri", "-e", "frame.protocols")
    lines = (line.split("\t") for line in tshark(folder, "-Y", "http.request", *fields, name=name))
    return [(path, "tls" if ":tls:" in protocols else "http") for path, protocols in lines]


def tshark(folder: Path, *arguments: str, name: str = "capture.pcapng") -> Sequence[str]:
    command = ["tshark", "-n", "-r", str(folder / name), *arguments]
    told: str = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return told.splitlines()


def test_on_keeps_all_that_used_a_server_and_off_keeps_and_records_nothing(
    run: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        def test_right(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 200
            assert (modssl_server.recording is None) is RECORDING_IS_NONE

        def test_unused(modssl_server):
            pass
    """
    recording, off = (source.replace("RECORDING_IS_NONE", one) for one in ("False", "True"))
    run(recording, KEPT, "--modssl-artifacts-mode=on", "-p", "no:xdist").assert_outcomes(passed=2)
    folders = kept(pytester)
    assert folders.keys() == {"test_right"}
    assert "bug-report.txt" not in files(folders["test_right"])
    assert "capture.pcapng" in files(folders["test_right"])
    monkeypatch.setenv("PYTEST_MODSSL_ARTIFACTS_MODE", "off")
    run(off, KEPT, "-p", "no:xdist").assert_outcomes(passed=2)
    assert kept(pytester) == folders, "what is there is left alone"


def test_reports_of_other_plugins_link_what_is_kept(run: RunPytest, pytester: pytest.Pytester) -> None:
    source = """
        def test_wrong(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 201
    """
    pytester.plugins[:] = ["no:hypothesispytest"]
    result = run(source, KEPT, "-n1", "--html=told/report.html", "--alluredir=allure", "-W", "error")
    result.assert_outcomes(failed=1)
    (folder,) = kept(pytester).values()
    names = {path.name for path in folder.iterdir() if path.is_file()}
    page = (pytester.path / "told" / "report.html").read_text()
    for name in names:
        assert f"../kept/{folder.name}/{name}" in page
    (told,) = (json.loads(path.read_text()) for path in (pytester.path / "allure").glob("*-result.json"))
    attached = {one["name"]: (pytester.path / "allure" / one["source"]).read_bytes() for one in told["attachments"]}
    assert names <= attached.keys()
    assert all(attached[name] == (folder / name).read_bytes() for name in names)


def test_a_folder_that_cannot_be_written_is_told_and_hides_nothing(run: RunPytest, pytester: pytest.Pytester) -> None:
    (pytester.path / "kept").write_text("a file where a folder should be")
    result = run(
        """
        def test_it(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 201
        """,
        KEPT,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 200 == 201*", "the bug report cannot be written: *"])


def test_a_report_for_which_httpd_cannot_be_asked_is_told_and_the_run_goes_on(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "from pytest_modssl.errors import EngineError\n"
        "from pytest_modssl.report import artifacts\n"
        "def keep(*_):\n"
        "    raise EngineError('the engine has ended', reason='stopped')\n"
        "artifacts.keep = keep\n"
    )
    pytester.makepyfile(
        "def test_one(modssl_server): assert modssl_server.get('https://www.example.test/').status_code == 201\n"
        "def test_two(): pass"
    )
    result = pytester.runpytest_subprocess("--modssl", KEPT, "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the bug report cannot be written: the engine has ended"])


def test_a_failed_check_of_a_repository_has_what_was_seen_of_its_host(
    pytester: pytest.Pytester, outer_target: Target
) -> None:
    (pytester.path / "conf").mkdir()
    (pytester.path / "conf" / "site.conf").write_text(
        "".join(
            f"<VirtualHost *:443>\nServerName {name}.example.test\nSSLEngine on\nSSLCertificateFile /etc/ssl/a.pem\n"
            "SSLCertificateKeyFile /etc/ssl/a.key\nSSLProtocol TLSv1.2\n</VirtualHost>\n"
            for name in ("one", "two")
        )
    )
    result = pytester.runpytest_subprocess("--modssl", KEPT, "-p", "no:randomly", "--modssl-artifacts-mode=on")
    assert result.ret == 1
    folders = {
        path.name.partition("-443-")[2].rpartition("-")[0]: path for path in (pytester.path / "kept").glob("*two*")
    }
    folder = folders["policy"]
    assert "bug-report.txt" in files(folder)
    assert "configuration/fs/usr/local/apache2/conf/extra/site.conf" in files(folder)
    sent = captures.segments(captures.read((folder / "capture.pcapng").read_bytes()))
    hellos = [one.data for one in sent if one.target[1] == 443 and one.data[:1] == b"\x16"]
    assert any(b"two.example.test" in one for one in hellos)
    assert not any(b"one.example.test" in one for one in hellos)
