"""`pytest-modssl serve`: a sample and a configuration run until they are interrupted, and nothing is left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl import tls
from pytest_modssl.cli import main
from pytest_modssl.http import open_session
from tests.cli.answers import differing, documented

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.installation import Installation


class Serving:
    """A call of the command that runs.

    Attributes:
        process: it.
        told: what it has printed until it was ready.
    """

    def __init__(self, target: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest_modssl", "serve", "--target", target, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith(("Ctrl-C", "{")):
                break
        self.told = "".join(lines)

    @property
    def ca_file(self) -> Path:
        found = re.search(r"^CA file: (.+)$", self.told, re.MULTILINE)
        assert found, self.told
        return Path(found[1])

    def address(self, url: str) -> tuple[str, int]:
        found = re.search(rf"^{re.escape(url)}  at ([\d.]+):(\d+)", self.told, re.MULTILINE)
        assert found, self.told
        return found[1], int(found[2])


@pytest.fixture
def target(local_installation: Installation) -> str:
    return f"local:{local_installation.binary}"


@pytest.fixture
def gateway(target: str) -> Iterator[Serving]:
    serving = Serving(target, "--sample", "gateway")
    yield serving
    serving.process.kill()
    serving.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sample_is_reached_as_told_until_it_is_interrupted(gateway: Serving, number: signal.Signals) -> None:
    shaken = tls.handshake(
        gateway.address("https://api.freight.example/"), "api.freight.example", trust=[gateway.ca_file.read_bytes()]
    )
    assert shaken.verification.ok
    assert shaken.hostname_ok
    assert "--connect-to api.freight.example:443:" in gateway.told
    assert "MAP api.freight.example:443 " in gateway.told
    gateway.process.send_signal(number)
    _, errors = gateway.process.communicate(timeout=30)
    assert gateway.process.returncode == 0, errors
    assert not gateway.ca_file.exists()
    assert not gateway.ca_file.parent.parent.exists()


def test_an_httpd_that_ends_by_itself_ends_the_command(gateway: Serving) -> None:
    children = psutil.Process(gateway.process.pid).children()
    (httpd,) = (one for one in children if "-DFOREGROUND" in one.cmdline())
    httpd.terminate()
    _, errors = gateway.process.communicate(timeout=30)
    assert gateway.process.returncode == 1
    assert "httpd ended by itself" in errors


def test_warnings_of_httpd_are_shown_beside_what_is_told_as_data(target: str, tmp_path: Path) -> None:
    (tmp_path / "httpd.conf").write_text(
        "Listen 80\nLogLevel warn\n<VirtualHost *:80>\nServerName www.example.test\n"
        "<Location />\nRequire all denied\n</Location>\n</VirtualHost>\n"
    )
    serving = Serving(target, str(tmp_path), "--json")
    try:
        assert differing(serving.told, documented("serve")) == set()
        told = json.loads(serving.told)
        assert (told["title"], told["process"]) == ("httpd.conf", serving.process.pid)
        assert "BEGIN CERTIFICATE" in Path(told["ca_file"]).read_text()
        (host,) = told["hosts"]
        assert (host["url"], host["names"]) == ("http://www.example.test/", ["www.example.test"])
        address = (host["address"][0], host["address"][1])
        assert told["host_resolver_rules"] == ["MAP www.example.test:80 {}:{}".format(*address)]
        asked = subprocess.run([*host["curl"], "-sw", "%{http_code}"], capture_output=True, text=True, check=True)
        assert asked.stdout.endswith("403")
        with open_session(lambda *_: address) as session:
            assert session.get("http://www.example.test/secret").status_code == 403
        assert serving.process.stderr is not None
        assert any("AH01630" in line for line in serving.process.stderr)
    finally:
        serving.process.send_signal(signal.SIGINT)
        rest, _ = serving.process.communicate(timeout=30)
        assert rest == ""


def test_a_configuration_that_httpd_refuses_is_told_at_its_line(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "httpd.conf"
    file.write_text("Listen 80\nSSLEngin on\n<VirtualHost *:80>\nServerName www.example.test\n</VirtualHost>\n")
    assert main(["serve", str(tmp_path), "--target", target]) == 1
    assert "httpd.conf:2" in capsys.readouterr().err


def test_what_cannot_be_served_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "httpd.conf").write_text(f"Listen 80\nServerName {name}.example.test\n")
    for arguments, told in (
        (["--sample", "nowhere"], "no sample is called nowhere; there are campus, "),
        ([str(tmp_path / "nowhere")], "is no folder"),
        ([str(tmp_path)], "--config: one/httpd.conf, two/httpd.conf"),
    ):
        assert main(["serve", *arguments]) == 1
        assert told in capsys.readouterr().err
