"""The CI files that the documentation prints: they are what the systems read, and their commands work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ci.md"
_BLOCK = re.compile(r"`([^`\n]+\.yml)`:[^`]*?```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")
TEST = """
    import pytest

    @pytest.mark.parametrize("n", range(4))
    def test_it(modssl_server, n):
        assert modssl_server.get("https://www.example.test/").status_code == 200
"""


def files() -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in _BLOCK.findall(_DOCUMENT.read_text(encoding="utf-8"))}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PYTEST_MODSSL_TARGET", "PYTEST_MODSSL", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmodssl_target = local\n")
    (tmp_path / "test_a.py").write_text("\n".join(line[4:] for line in TEST.splitlines()))
    return tmp_path


def shell(project: Path, line: str, **environment: str) -> str:
    """What a line of a CI file prints, run by the shell as the system runs it, but for the workers."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-e", "-c", line.replace("-n auto", "-n 0")],
        cwd=project,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def passed(output: str) -> int:
    found = re.search(r"(\d+) passed", output)
    return int(found[1]) if found else 0


def command_with(commands: list[str], word: str) -> str:
    (found,) = [one for one in commands if word in one]
    return found


def test_the_document_shows_the_files_of_both_systems() -> None:
    assert list(files()) == [".github/workflows/servers.yml", ".gitlab-ci.yml", "ci/servers.yml"]


def test_the_jobs_of_github_actions_run_every_test_once(project: Path) -> None:
    jobs = files()[".github/workflows/servers.yml"]["jobs"]
    plan, servers = ([step["run"] for step in jobs[name]["steps"] if "run" in step] for name in ("plan", "servers"))
    assert jobs["servers"]["strategy"]["matrix"] == "${{ fromJSON(needs.plan.outputs.matrix) }}"
    assert jobs["plan"]["outputs"]["matrix"] == "${{ steps.plan.outputs.matrix }}"
    shell(project, command_with(plan, "matrix"), GITHUB_OUTPUT=str(project / "output"))
    name, _, value = (project / "output").read_text().strip().partition("=")
    assert name == "matrix"
    total = 0
    for job in json.loads(value)["include"]:
        context = {f"matrix.{key}": text for key, text in job.items()}

        def fill(text: str, context: dict[str, str] = context) -> str:
            return _EXPRESSION.sub(lambda found: context[found[1]], text)

        environment = {key: fill(text) for key, text in jobs["servers"]["env"].items()}
        total += passed(shell(project, fill(command_with(servers, "pytest ")), **environment))
        assert (project / "recorded" / f"{job['name']}.json").exists()
    assert total == 4


def test_the_jobs_of_gitlab_run_every_test_once(project: Path) -> None:
    read = files()
    shell(project, command_with(read[".gitlab-ci.yml"]["plan"]["script"], "matrix"))
    (artifact,) = read[".gitlab-ci.yml"]["plan"]["artifacts"]["paths"]
    included = read[".gitlab-ci.yml"]["servers"]["trigger"]["include"]
    assert included == [{"artifact": artifact, "job": "plan"}, {"local": "ci/servers.yml"}]
    matrix = yaml.safe_load((project / artifact).read_text())
    job = read["ci/servers.yml"]["servers"]
    (row,) = matrix[job["extends"]]["parallel"]["matrix"]
    total = 0
    for number, shard in enumerate(row["PYTEST_MODSSL_SHARD"], 1):
        (command,) = job["script"]
        environment = {
            "PYTEST_MODSSL_TARGET": row["PYTEST_MODSSL_TARGET"][0],
            "PYTEST_MODSSL_SHARD": shard,
            "CI_NODE_INDEX": str(number),
        }
        total += passed(shell(project, command, **environment))
        assert (project / "recorded" / f"{number}.json").exists()
        assert (project / "report.xml").exists()
    assert total == 4


def test_the_jobs_of_jenkins_run_every_test_once(project: Path) -> None:
    found = re.search(
        r"`Jenkinsfile`:[^`]*(?:`[^`\n]+`[^`]*)*```groovy\n(.*?)^```$", _DOCUMENT.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    lines = [one.replace(".venv/bin/", "") for one in re.findall(r"(?:sh|script:) '([^']+)'", found[1])]
    plan = json.loads(shell(project, command_with(lines, "matrix")))
    given = dict(re.findall(r'"(\w+)=\$\{job\.(\w+)\}"', found[1]))
    assert given == {"PYTEST_MODSSL_TARGET": "target", "PYTEST_MODSSL_SHARD": "shard"}
    total = 0
    for job in plan:
        environment = {variable: job[key] for variable, key in given.items()}
        total += passed(shell(project, command_with(lines, "pytest --modssl"), **environment))
        assert (project / "report.xml").exists()
    assert total == 4
    assert all(job["name"] for job in plan)


def test_every_feature_and_argument_that_the_document_names_is_there() -> None:
    from pytest_modssl.httpd.features import FEATURES

    text = _DOCUMENT.read_text(encoding="utf-8")
    table = text.partition("| feature | what it is |")[2].partition("\n\n")[0]
    named = {name for line in table.splitlines()[2:] for name in re.findall(r"`([\w.-]+)`", line.split("|")[1])}
    assert named == set(FEATURES)
