"""A regression suite, written for pytest-modssl and as harnesses of httpd are written today.

Both have the same tests with the same assertions over the same configurations, and both keep a server while the
configuration stays. The peer starts and stops httpd by `httpd -k`, and asks it by curl: `bench/harness.py`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import medians_of_all, seconds
from bench.page import Section
from bench.suites import run_pytest, starts, write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.place import Bench

_CONFIGURATIONS = 40
_TESTS = 5  # of each
_ROUNDS = 3
_WORKERS = ("0", "2")

_HOW = f"""\
{_CONFIGURATIONS * _TESTS} tests over {_CONFIGURATIONS} configurations, each with a certificate, a protocol and a header
field of its own. Every test makes a verified handshake and looks at its protocol, gets the page and looks at the header
field, and looks at `SSL_PROTOCOL` as a CGI program sees it. A configuration is a parametrized fixture of the module on
both sides, so that a server is kept while the configuration stays. The peer is plain pytest: it writes the
configuration, runs `httpd -k start` and `stop`, asks by curl every 100 ms, and by curl in the tests; its handshakes are
stdlib ssl, in the process. Whole runs of pytest, medians of {_ROUNDS} rounds; starts of httpd are counted from
outside."""

_CASES = f"""
NAME = "www.example.test"
CASES = [(("TLSv1.2", "TLSv1.3")[number % 2], number) for number in range({_CONFIGURATIONS})]
TESTS = range({_TESTS})

def named(case):
    return f"{{case[0]}}-{{case[1]}}"

def directives(case):
    protocol, number = case
    return f"SSLProtocol -all +{{protocol}}\\nSSLOptions +StdEnvVars\\nHeader set X-Number {{number}}"
"""

_OURS = """
import pytest
from cases import CASES, NAME, TESTS, directives, named
from pytest_modssl import ServerConfig, VirtualHost, assert_handshake, assert_ssl_env

@pytest.fixture(scope="module", params=CASES, ids=named)
def case(request):
    return request.param

@pytest.fixture(scope="module")
def modssl_config(case, modssl_ca):
    return ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives=directives(case)))

@pytest.mark.parametrize("n", TESTS)
def test_host(modssl_server, case, n):
    protocol, number = case
    assert_handshake(modssl_server, NAME, protocol=protocol)
    answer = modssl_server.get(f"https://{NAME}/")
    assert answer.status_code == 200
    assert answer.headers["X-Number"] == str(number)
    assert_ssl_env(modssl_server, f"https://{NAME}/", SSL_PROTOCOL=protocol)
"""

# The certificates of the peer come from the same CA code, so that both sides do the same work for them.
_PEER = """
import json
import socket
import ssl
import uuid
from pathlib import Path

import pytest
from bare import Template, lay_out
from cases import CASES, NAME, TESTS, directives, named
from harness import Httpd
from pytest_modssl.pki import CA

TEMPLATE = Template(**json.loads(Path(__file__).with_name("template.json").read_text()))
FOLDER = Path(__file__).with_name("servers")

@pytest.fixture(scope="session")
def ca():
    return CA()

@pytest.fixture(scope="session")
def ca_file(ca):
    file = FOLDER / f"{uuid.uuid4().hex}.pem"
    file.write_bytes(ca.cert_pem.bytes())
    return file

@pytest.fixture(scope="module", params=CASES, ids=named)
def case(request):
    return request.param

@pytest.fixture(scope="module")
def httpd(case, ca, ca_file):
    leaf = ca.issue(NAME)
    folder = FOLDER / uuid.uuid4().hex
    address = lay_out(TEMPLATE, folder, leaf.cert_file_pem.bytes(), leaf.key_file_pem.bytes())
    main = folder / "httpd.conf"
    main.write_text(main.read_text().replace("SSLEngine on", f"SSLEngine on\\n{directives(case)}"))
    server = Httpd(TEMPLATE.binary, folder, address, ca_file)
    server.start(NAME)
    yield server
    server.stop()

@pytest.mark.parametrize("n", TESTS)
def test_host(httpd, case, n):
    protocol, number = case
    client = ssl.create_default_context(cafile=httpd.ca)
    with socket.create_connection(httpd.address) as raw, client.wrap_socket(raw, server_hostname=NAME) as tls:
        assert tls.version() == protocol
    answer = httpd.curl(f"https://{NAME}/", "-i")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[0].split()[1] == "200"
    assert f"X-Number: {number}" in lines
    environment = httpd.curl(f"https://{NAME}/env.cgi")
    assert f"=SSL_PROTOCOL\\n {protocol}\\n" in environment.stdout
"""


def compare(bench: Bench) -> Iterator[Section]:
    suites = {"pytest-modssl": _ours(bench), "plain pytest and curl": _peer(bench)}

    def both() -> Sequence[float]:
        return [run_pytest(suite, "-n", workers) for suite in suites.values() for workers in _WORKERS]

    # These runs compile the modules too.
    started = {who: ", ".join(str(starts(bench, one, n)) for n in _WORKERS) for who, one in suites.items()}
    (measured,) = medians_of_all(both, rounds=_ROUNDS)
    times = dict(zip(suites, zip(measured[::2], measured[1::2], strict=True), strict=True))
    own, own_two = times["pytest-modssl"]
    rows = []
    for who, (one, two) in times.items():
        cells = (
            seconds(one),
            f"{one / own:.1f}",
            seconds(two),
            f"{two / own_two:.1f}",
            f"{one / two:.2f}",
            started[who],
        )
        rows.append((who, *cells))
    yield Section(
        title=f"{_CONFIGURATIONS * _TESTS} tests over {_CONFIGURATIONS} configurations",
        how=_HOW,
        columns=("who", "one process", "x", "-n 2", "x", "gain of -n 2", "starts of httpd"),
        rows=tuple(rows),
    )


def _ours(bench: Bench) -> Path:
    folder = write_suite(bench, "regression", _OURS, "modssl = true\nmodssl_target = local")
    (folder / "cases.py").write_text(_CASES)
    return folder


def _peer(bench: Bench) -> Path:
    folder = write_suite(bench, "regression-peer", _PEER, "addopts = -p no:modssl")
    (folder / "cases.py").write_text(_CASES)
    (folder / "servers").mkdir()
    (folder / "template.json").write_text(json.dumps(asdict(bench.template)))
    for module in ("bare.py", "harness.py"):
        (folder / module).write_text(Path(__file__).with_name(module).read_text())
    return folder
