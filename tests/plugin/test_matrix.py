"""Runs on several targets as pytest sees them: what is required, the table, strictness, comparison, parts of a run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.httpd.installation import find_httpd, probe_installation

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("xdist")

# An httpd that says to be older than it is, and answers otherwise too: one header more.
OLDER = """#!/bin/sh
case "$*" in
  *-V*) exec {binary} "$@" | sed "s/Apache\\/2[.0-9]*/Apache\\/2.4.1/" ;;
  *-DFOREGROUND*) exec {binary} -DOLDER "$@" ;;
esac
exec {binary} "$@"
"""
CONFTEST = """
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost
    from pytest_modssl.targets import local

    launch = local.LocalTarget.launch

    def counted(self, *args, **options):
        with open("starts", "a") as file:
            print(self.id, file=file)
        return launch(self, *args, **options)

    local.LocalTarget.launch = counted

    @pytest.fixture(scope="module")
    def modssl_config(modssl_ca, request):
        directives = "<IfDefine OLDER>\\nHeader always set X-Age old\\n</IfDefine>"
        host = VirtualHost("a.test", tls=modssl_ca.issue("a.test"), directives=directives)
        return ServerConfig(host, directives=f"# for {request.module.__name__}")
"""
PLAIN = """
    import pytest

    @pytest.mark.parametrize("n", range(3))
    def test_it(modssl_server, n):
        assert modssl_server.get("https://a.test/").status_code == 200
"""
REQUIRING = """
    import pytest
    from pytest_modssl import requires

    @requires(httpd=">=2.4.27", module="headers")
    def test_new(modssl_server):
        pass

    @pytest.mark.modssl_requires(httpd=">=9")
    def test_never(modssl_server):
        pass

    @pytest.fixture(scope="module")
    def nowhere(modssl_requires):
        modssl_requires(feature="ssl", openssl=">=99")

    @pytest.mark.parametrize("n", range(2))
    def test_fixture(nowhere, n):
        pass

    def test_other_skip(modssl_target):
        pytest.skip("for another reason")

    def test_no_server():
        pass
"""


class RunPytest(Protocol):
    def __call__(self, *args: str) -> pytest.RunResult: ...


@pytest.fixture
def older(pytester: pytest.Pytester) -> str:
    """Target name of an httpd of this machine that says to be 2.4.1."""
    here = probe_installation(find_httpd())
    assert here.modules_folder is not None
    (pytester.path / "modules").symlink_to(here.modules_folder)
    fake = pytester.mkdir("bin") / "older"
    fake.write_text(OLDER.format(binary=here.binary))
    fake.chmod(0o755)
    return f"local:{fake}"


@pytest.fixture
def run(pytester: pytest.Pytester, base: Path, older: str) -> RunPytest:
    """Runs pytest on this machine's httpd and on the one that says to be older."""
    pytester.makeconftest(CONFTEST)

    def run(*args: str) -> pytest.RunResult:
        targets = ["--modssl-target=local", f"--modssl-target={older}"]
        return pytester.runpytest_subprocess("--modssl", "-p", "no:cacheprovider", *targets, *args)

    return run


def numbers(line: str) -> list[str]:
    return re.findall(r"\d+/\d+/\d+", line)


def line_of(result: pytest.RunResult, start: str) -> str:
    return next(line for line in result.outlines if line.startswith(start))


def test_each_server_starts_once_for_its_file_and_target_and_a_table_tells_them(
    pytester: pytest.Pytester, run: RunPytest
) -> None:
    pytester.makepyfile(**{f"test_{name}": PLAIN for name in "abc"})
    result = run("--modssl-strict")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=18)
    assert len((pytester.path / "starts").read_text().splitlines()) == 6
    for name in "abc":
        assert numbers(line_of(result, f"test_{name}.py  ")) == ["3/0/0", "3/0/0"]
    assert numbers(line_of(result, "all  ")) == ["9/0/0", "9/0/0"]
    table = result.outlines[: next(at for at, line in enumerate(result.outlines) if "modssl: servers" in line)]
    assert max(map(len, table[-8:])) <= 80
    result.stdout.no_fnmatch_line("*no target is capable*")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_a_target_is_not_capable_of_is_skipped_and_fails_a_strict_run_where_no_target_is(
    pytester: pytest.Pytester, run: RunPytest, older: str, workers: str
) -> None:
    pytester.makepyfile(test_r=REQUIRING)
    result = run("--modssl-strict", "-rs", "-n", workers)
    result.assert_outcomes(passed=2, skipped=9)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines_random(
        [
            f"SKIPPED [[]1[]] test_r.py:4: {older}: needs httpd >=2.4.27, has 2.4.1",
            "SKIPPED [[]1[]] test_r.py:8: local: needs httpd >=9, has 2.4.*",
            "SKIPPED [[]2[]] test_r.py:16: local: needs OpenSSL >=99, has *",
        ]
    )
    assert numbers(line_of(result, "test_r.py  ")) == ["1/0/4", "0/0/5"]
    result.stdout.fnmatch_lines(["*modssl: tests that no target is capable of*", f"  {older}: needs httpd >=9*"])
    told = [line for line in result.outlines if line.startswith("test_r.py::")]
    assert sorted(told) == [f"test_r.py::test_{name}" for name in ("fixture[0]", "fixture[1]", "never")]


def test_a_wrong_requirement_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.modssl_requires(module='http3')\ndef test_it(modssl_server): pass")
    result = pytester.runpytest_inprocess("--modssl", "--modssl-target=local")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_it: @pytest.mark.modssl_requires: unknown module 'http3': did you mean http*"])


def test_a_requirement_of_a_test_without_server_is_a_usage_error_and_of_its_module_is_not(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("import pytest_modssl\npytestmark = pytest_modssl.requires(httpd='>=9')\ndef test_it(): pass")
    pytester.runpytest_inprocess("--modssl", "--modssl-target=local").assert_outcomes(passed=1)
    pytester.makepyfile(test_own="import pytest_modssl\n@pytest_modssl.requires(httpd='>=9')\ndef test_it(): pass")
    result = pytester.runpytest_inprocess("--modssl", "--modssl-target=local", "test_own.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_it: @pytest.mark.modssl_requires: the test uses no server*"])


def test_without_the_switch_requirements_are_read_and_tests_skipped_as_ever(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_MODSSL", raising=False)
    pytester.makepyfile(test_r=REQUIRING)
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(passed=1, skipped=5)
    result.stdout.fnmatch_lines(["SKIPPED * needs a real httpd: run pytest with --modssl"])


COMPARED = """
    from pytest_modssl import requires

    def test_same(modssl_server):
        modssl_server.handshake("a.test")

    def test_header(modssl_server):
        for number in range(20):
            modssl_server.get(f"https://a.test/?{number}")

    def test_outcome(modssl_target):
        assert modssl_target.installation.version > (2, 4, 27)
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_only_what_differs_between_targets_is_told(
    pytester: pytest.Pytester, run: RunPytest, older: str, workers: str
) -> None:
    pytester.makepyfile(test_c=COMPARED)
    result = run("--modssl-compare", "-n", workers, "-p", "no:randomly", "-q")
    result.assert_outcomes(passed=5, failed=1)
    start = next(number for number, line in enumerate(result.outlines) if "differences between targets" in line)
    end = result.outlines.index("2 of 3 tests differ between 2 targets")
    told = result.outlines[start + 1 : end]
    result.stdout.no_fnmatch_line("*passed/failed/skipped*")
    pad = " " * (len(older) - len("local"))
    first = ["test_c.py::test_header"]
    for number in range(20):
        first += [
            f"  GET https://a.test/?{number}: header X-Age",
            f"    local{pad}  (not seen)",
            f"    {older}  old",
        ]
    second = ["test_c.py::test_outcome", "  outcome", f"    local{pad}  passed", f"    {older}  failed"]
    assert told in (first + second, second + first)


def test_one_target_cannot_be_compared(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(COMPARED)
    result = pytester.runpytest_inprocess("--modssl", "--modssl-target=local", "--modssl-compare")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--modssl-compare: there is nothing to compare on one target; name several*"])


def test_the_parts_of_a_run_have_every_test_once(pytester: pytest.Pytester, run: RunPytest, older: str) -> None:
    pytester.makepyfile(**{f"test_{name}": PLAIN for name in "ab"}, test_n="def test_nothing(): pass")
    passed = []
    for index in (1, 2):
        result = run("-v", "-n", "2", f"--modssl-shard={index}/2", f"--modssl-record-durations=d/{index}.json")
        assert result.parseoutcomes()["passed"] >= 3
        passed += [line.split()[-1] for line in result.outlines if " PASSED " in line]
    assert len(passed) == len(set(passed)) == 13
    recorded = [json.loads(file.read_text())["seconds"] for file in (pytester.path / "d").iterdir()]
    assert sorted(key for one in recorded for key in one) == sorted(
        ["test_n.py::test_nothing"]
        + [f"test_{a}.py::test_it[{n}] @ {target}" for a in "ab" for n in range(3) for target in ("local", older)]
    )


def test_the_part_is_told_and_durations_balance_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_slow="def test_slow(): pass",
        test_a="import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_it(n): pass",
    )
    pytester.runpytest_inprocess("--modssl-record-durations=durations/all.json").assert_outcomes(passed=6)
    file = pytester.path / "durations" / "all.json"
    record = json.loads(file.read_text())
    assert len(record["seconds"]) == 6
    record["seconds"] = dict.fromkeys(record["seconds"], 0.1) | {"test_slow.py::test_slow": 9.0}
    file.write_text(json.dumps(record))
    parts = [
        pytester.runpytest_inprocess("--modssl-shard", f"{index}/2", "--modssl-durations=durations") for index in (1, 2)
    ]
    parts[0].assert_outcomes(passed=1, deselected=5)
    parts[0].stdout.fnmatch_lines(["modssl: part 1/2: 1 of 6 tests"])
    parts[1].assert_outcomes(passed=5, deselected=1)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_part_without_tests_passes_and_a_project_without_tests_does_not(
    pytester: pytest.Pytester, workers: str
) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    part = ("--modssl-shard=2/2", "-n", workers)
    assert pytester.runpytest_inprocess(*part).ret == pytest.ExitCode.OK
    pytester.makepyfile(test_empty="")
    assert pytester.runpytest_inprocess(*part, "test_empty.py").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_wrong_record_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    (pytester.path / "bad.json").write_text("rubbish")
    result = pytester.runpytest_inprocess("--modssl-shard=1/2", "--modssl-durations=bad.json")
    result.stderr.fnmatch_lines(["*bad.json: cannot read recorded durations*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("condition", "status"), [(True, pytest.ExitCode.USAGE_ERROR), (False, pytest.ExitCode.TESTS_FAILED)]
)
def test_a_record_that_cannot_be_written_is_told_with_what_failed(
    pytester: pytest.Pytester, condition: object, status: pytest.ExitCode
) -> None:
    pytester.makepyfile(test_it=f"def test_it(): assert {condition}", bad="")
    result = pytester.runpytest_inprocess("--modssl-record-durations=bad.py/x")
    result.stdout.fnmatch_lines(["modssl: cannot record durations in bad.py/x: *"])
    result.assert_outcomes(passed=int(bool(condition)), failed=int(not condition))
    assert result.ret == status
