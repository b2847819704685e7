"""The report of a run: what is in it, with and without xdist, and what is not."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

import jsonschema
import pytest

from pytest_modssl.report.secrets import Secrets
from pytest_modssl.report.whole.clean import LONGEST, Cleaner
from pytest_modssl.report.whole.gather import Gathering
from pytest_modssl.report.whole.html import as_html
from pytest_modssl.report.whole.pictures import graph
from pytest_modssl.report.whole.plain import plain, schema, unplain
from pytest_modssl.report.whole.sarif import as_sarif
from pytest_modssl.report.whole.value.failure import Failure, Problem
from pytest_modssl.report.whole.value.host import Host, Redirect, Redirects
from pytest_modssl.report.whole.value.place import Line
from pytest_modssl.report.whole.value.run import Part, Report, Server, Text
from pytest_modssl.report.whole.write import as_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_modssl.targets.base import Target

HOSTILE = "</script></style><img src=x onerror=alert(1)>'\"&{{ 7*7 }}"

TESTS = f"""
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost, assert_handshake, policy

    SECRET = "kFz81xPq0Lw3"

    @pytest.fixture(scope="module")
    def modssl_config(modssl_ca):
        return ServerConfig(
            VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives='''
                Header always set Strict-Transport-Security "max-age=63072000"
                Header always set X-Token "kFz81xPq0Lw3"
                SetEnv DB_PASSWORD kFz81xPq0Lw3
            '''),
            VirtualHost("old.example.test", tls=modssl_ca.issue("old.example.test"), directives='''
                SSLProtocol -all +TLSv1.2
            '''),
            VirtualHost("www.example.test", directives="Redirect permanent / https://www.example.test/"),
        )

    def test_healthy(modssl_server):
        assert_handshake(modssl_server, "www.example.test")
        assert modssl_server.scan("www.example.test").protocols
        assert modssl_server.redirects("http://www.example.test/").status == 200

    def test_protocol(modssl_server):
        assert_handshake(modssl_server, "old.example.test", protocol="TLSv1.3")

    def test_password(modssl_server):
        assert modssl_server.get("https://www.example.test/", auth=("me", SECRET)).headers["X-Token"] == "", SECRET

    @pytest.mark.modssl("SSLFoo on")
    def test_refused(modssl_server):
        pass

    @pytest.mark.parametrize("name", [{HOSTILE!r}], ids=str)
    def test_hostile(modssl_server, name):
        modssl_server.get("https://www.example.test/" + name, headers={{"User-Agent": name}})
        raise AssertionError(name)

    @pytest.mark.skip(reason="not today")
    def test_skipped(modssl_server):
        pass
"""


class RunPytest(Protocol):
    def __call__(self, *args: str) -> dict[str, Any]: ...


@pytest.fixture
def run(pytester: pytest.Pytester, outer_target: Target) -> RunPytest:
    """Runs pytest on `TESTS`, and gives the report as data; the others are beside it."""

    def run(*args: str) -> dict[str, Any]:
        pytester.makepyfile(test_site=TESTS)
        options = [f"--modssl-report=out/report.{form}" for form in ("html", "json", "sarif")]
        result = pytester.runpytest_subprocess("--modssl", "-p", "no:randomly", *options, *args)
        result.assert_outcomes(passed=1, failed=3, errors=1, skipped=1)
        result.stdout.fnmatch_lines(["modssl: report: *report.html"])
        report: dict[str, Any] = json.loads((pytester.path / "out/report.json").read_text())
        return report

    return run


@pytest.mark.parametrize("workers", [["-p", "no:xdist"], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_run_is_told_with_its_servers_hosts_and_failures_and_without_secrets(
    run: RunPytest, pytester: pytest.Pytester, workers: list[str]
) -> None:
    report = run(*workers)
    jsonschema.validate(report, json.loads(files("pytest_modssl.report.whole").joinpath("schema.json").read_text()))
    tests = {one["id"].partition("::")[2]: one for one in report["tests"]}
    assert {name.partition("[")[0]: one["outcome"] for name, one in tests.items()} == {
        "test_healthy": "passed",
        "test_protocol": "failed",
        "test_password": "failed",
        "test_refused": "error",
        "test_hostile": "failed",
        "test_skipped": "skipped",
    }
    lines = dict(enumerate((pytester.path / "test_site.py").read_text().split("\n"), 1))
    failure = tests["test_protocol"]["failures"][0]
    problem = failure["problems"][0]
    assert problem["id"] == "protocol-not-offered"
    assert problem["place"]["file"] == "test_site.py"
    assert "SSLProtocol -all +TLSv1.2" in lines[problem["place"]["line"]]
    assert 'assert_handshake(modssl_server, "old' in lines[failure["place"]["line"]]
    told = [text for message in failure["conversations"][0]["messages"] for text in message["told"]]
    assert told[0].startswith("ClientHello versions TLSv1.3; server_name old.example.test")
    assert told[-1] == "protocol_version (fatal)"
    assert any("AH01998" in line for line in failure["log"])
    assert "openssl s_client" in failure["commands"][0]
    assert "SSLFoo on" in lines[tests["test_refused"]["failures"][0]["problems"][0]["place"]["line"]]
    assert any(one["refused"] for one in report["servers"])
    hosts = [host for server in report["servers"] for host in server["hosts"]]
    www = next(one for one in hosts if one["name"] == "www.example.test" and one["accepted"])
    assert {one["name"] for one in www["accepted"]["protocols"]} >= {"TLSv1.2", "TLSv1.3"}
    assert www["hsts"] == "max-age=63072000"
    assert www["chains"][0]["trusted"]
    assert any(one["redirects"] for one in hosts)
    assert all(server["starts"][0] > 0 for server in report["servers"] if not server["refused"])
    everything = "".join((pytester.path / f"out/report.{form}").read_text() for form in ("html", "json", "sarif"))
    assert "kFz81xPq0Lw3" not in everything
    assert "PRIVATE KEY" not in everything
    assert "[removed]" in everything
    page = (pytester.path / "out/report.html").read_text()
    assert "<img" not in page
    assert page.count("</script>") == 1
    assert page.count("</style>") == 1
    assert "onerror=alert(1)&gt;" in page
    for at in _places(json.loads((pytester.path / "out/report.sarif").read_text()), "protocol-not-offered"):
        assert "SSLProtocol -all +TLSv1.2" in lines[at]


def _places(sarif: dict[str, Any], rule: str) -> list[int]:
    """The lines of the results of a rule; SARIF is looked at as far as services of code review ask for it."""
    run = sarif["runs"][0]
    assert sarif["version"] == "2.1.0"
    assert run["originalUriBaseIds"]["ROOT"]["uri"].endswith("/")
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        assert one["level"] in {"error", "warning"}
        assert one["message"]["text"]
    places = [
        one["locations"][0]["physicalLocation"] for one in run["results"] if one["ruleId"] == rule and one["locations"]
    ]
    assert places
    assert {one["artifactLocation"]["uri"] for one in places} == {"test_site.py"}
    return [one["region"]["startLine"] for one in places]


def test_no_report_is_written_and_nothing_is_watched_unless_it_is_asked_for(
    pytester: pytest.Pytester, outer_target: Target
) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(modssl_server):
            assert modssl_server.listen is None
            assert not [name for name in sys.modules if name.startswith(("jinja2", "pytest_modssl.report.whole"))]
        """
    )
    result = pytester.runpytest_subprocess("--modssl", "-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(passed=1)
    assert "report:" not in result.stdout.str()


def test_a_run_that_only_collects_leaves_the_report_of_the_last_one(
    pytester: pytest.Pytester, outer_target: Target
) -> None:
    pytester.makepyfile("def test_it(modssl_server): pass")
    pytester.makefile(".json", report="the last one")
    result = pytester.runpytest_subprocess("--modssl", "--collect-only", "--modssl-report", "report.json")
    assert result.ret == 0
    assert (pytester.path / "report.json").read_text() == "the last one"
    assert "report:" not in result.stdout.str()


@pytest.mark.parametrize(
    ("file", "told"),
    [("report.pdf", "'report.pdf' does not end in one of .html, .json, .sarif"), ("test_it.py/r.json", "cannot write")],
)
def test_a_file_that_cannot_be_written_is_told(
    pytester: pytest.Pytester, outer_target: Target, file: str, told: str
) -> None:
    pytester.makepyfile(test_it="def test_it(): pass")
    result = pytester.runpytest_subprocess("--modssl", f"--modssl-report={file}")
    assert told in result.stdout.str() + result.stderr.str()


ODD = """
    import os
    import unittest

    import pytest

    class TestOfUnittest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def with_server(self, modssl_server):
            self.server = modssl_server

        def test_it(self):
            self.server.get("https://localhost/of-unittest", verify=False)
            self.fail("of unittest")

        def test_parts(self):
            for part in range(2):
                with self.subTest(part=part):
                    self.assertEqual(part, 0)

    @pytest.mark.parametrize("login", ["password=kFz81xPq0Lw3", "password=8dfQq1LxAn0Z"])
    def test_login(modssl_server, login):
        assert login.endswith("Z")

    def test_crash(modssl_server):
        os._exit(3)
"""


def test_a_test_that_ends_in_an_odd_way_is_told_as_it_ended(pytester: pytest.Pytester, outer_target: Target) -> None:
    """A worker that dies, subtests, unittest, tests whose names differ in secrets alone."""
    pytest.importorskip("xdist")
    pytester.makepyfile(test_it=ODD)
    kept = ("--modssl-report=r.json", "--modssl-artifacts=kept")
    result = pytester.runpytest_subprocess("--modssl", "-p", "no:randomly", "-n", "1", *kept)
    text = (pytester.path / "r.json").read_text()
    tests = [(one["id"].partition("::")[2], one["outcome"], one["failures"]) for one in json.loads(text)["tests"]]
    assert sorted((name, outcome) for name, outcome, _ in tests) == [
        ("TestOfUnittest::test_it", "failed"),
        ("TestOfUnittest::test_parts", "failed"),
        ("test_crash", "failed"),
        ("test_login[password=[removed]", "failed"),
        ("test_login[password=[removed]", "passed"),
    ]
    assert any("crashed" in failures[0]["headline"] for name, _, failures in tests if name == "test_crash")
    result.stdout.fnmatch_lines(["local: * tests: 1 passed, 4 failed"])
    result.stdout.fnmatch_lines(["*Captured modssl: error log of * call*"])
    assert "kFz81xPq0Lw3" not in text
    files = [one for one in (pytester.path / "kept").rglob("*") if one.is_file()]
    assert files
    assert not [one for one in files if b"kFz81xPq0Lw3" in one.read_bytes()]


def test_what_cannot_be_collected_is_in_the_report(pytester: pytest.Pytester, outer_target: Target) -> None:
    pytester.makepyfile(test_it="import nothing_of_that_name")
    result = pytester.runpytest_subprocess("--modssl", "--modssl-report=r.json", "-p", "no:terminal")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    [test] = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert test["outcome"] == "error"
    assert "nothing_of_that_name" in test["failures"][0]["headline"]


def test_the_published_schema_is_that_of_the_values() -> None:
    """Written by: python -m pytest_modssl.report.whole.plain > pytest_modssl/report/whole/schema.json."""
    published = json.loads(files("pytest_modssl.report.whole").joinpath("schema.json").read_text())
    assert published == schema()
    jsonschema.Draft202012Validator.check_schema(published)
    assert all(one["description"] for kind in published["$defs"].values() for one in kind["properties"].values())
    bad = json.loads(as_json(_report())) | {"format": "another"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, published)


def _report(**parts: Any) -> Report:
    return Report(began="2026-01-01T00:00:00+00:00", seconds=1.0, program="p", root="/", **_EMPTY | parts)


_EMPTY: dict[str, Any] = {"targets": (), "tests": (), "servers": ()}


def test_values_come_back_from_plain_data_as_they_were() -> None:
    problem = Problem(id="a", question="b", cause="c", remedy="d", certainty="certain", place=Line(file="f", line=3))
    part = Part(
        id="t", test="t", phase="call", failure=Failure(phase="call", headline="h", message="m", problems=(problem,))
    )
    assert unplain(Part, json.loads(json.dumps(plain(part)))) == part


def _many(count: int, make: Callable[[int], Part]) -> Report:
    gathering = Gathering()
    for number in range(count):
        one = make(number)
        gathering.add(one.id, one, outcome="failed" if one.failure else "passed", seconds=1)
    return gathering.report(began="2026-01-01T00:00:00+00:00", seconds=1, program="p", root="/", targets=())


def test_a_report_stays_of_a_size_that_a_browser_shows_and_says_what_it_leaves_out() -> None:
    text = "x" * LONGEST

    def make(number: int) -> Part:
        hosts = tuple(Host(name=f"h{number}-{at}", port=443) for at in range(20))
        texts = (Text(name="httpd.conf", text=text),)
        known: Any = {"target": "local", "httpd": "", "library": "", "title": "t"}
        server = Server(id=f"s{number}", configuration=texts, log=(text,), hosts=hosts, **known)
        failure = Failure(phase="call", headline="h", message=text, traceback=text)
        return Part(id=f"t{number}", test="t", phase="call", servers=(server,), failure=failure)

    report = _many(1_000, make)
    assert [one.partition(" ")[2] for one in report.left_out][:1] == ["servers"]
    assert [one.rsplit(" ", 3)[0].strip("0123456789 ") for one in report.left_out[1:]]
    assert len(report.left_out) == 5
    assert len(as_json(report)) < 15_000_000
    assert len(as_html(report)) < 15_000_000
    assert len(report.tests) == 1_000


def test_a_text_is_cut_after_its_secrets_were_taken_out() -> None:
    secrets = Secrets()
    secrets.add("s3cret-value-of-24-letters-or-more")
    cleaner = Cleaner(secrets)
    cut = cleaner.clean(Line(file="y" * (LONGEST - 10) + "s3cret-value-of-24-letters-or-more" + "z" * 99, line=1)).file
    assert "s3cret" not in cut
    assert "more characters not shown" in cut


def test_redirects_are_drawn_each_address_once_whatever_they_do() -> None:
    a, b = "http://a.test/", "https://a.test/"
    loop = Redirects(
        hops=(Redirect(url=a, status=301, location=b), Redirect(url=b, status=302, location=a)),
        url=b,
        status=302,
        loop=True,
        error="a loop",
    )
    lost = Redirects(hops=(Redirect(url=b, status=302, location=None),), url=b, status=302, loop=False, error="lost")
    picture = graph([loop, lost])
    assert [node.text for node in picture.nodes] == [a, b, "nowhere"]
    assert len(picture.edges) == 3
    assert graph([]).nodes == ()


def test_sarif_without_a_place_or_diagnosis_is_well_formed(tmp_path: Path) -> None:
    failure = Failure(phase="call", headline="h", message="m")
    report = _many(1, lambda _: Part(id="t", test="t", phase="call", failure=failure))
    [result] = json.loads(as_sarif(report))["runs"][0]["results"]
    assert result["ruleId"] == "test-failed"
    assert "locations" not in result
