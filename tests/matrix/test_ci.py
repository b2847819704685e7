"""The matrix of a CI system: every target and part once, in a form that the system reads."""

from __future__ import annotations

import json

import pytest
import yaml

from pytest_modssl.matrix.ci import FORMATS, jobs
from pytest_modssl.settings import ALL, resolve

TARGETS = ("debian:trixie", "source:2.4.62", "docker:registry.example/httpd:2.4")


@pytest.mark.parametrize("shards", [1, 3])
def test_every_target_and_part_has_one_job_with_a_name_of_its_own(shards: int) -> None:
    found = jobs(TARGETS, shards)
    assert len(found) == len({job["name"] for job in found}) == len(TARGETS) * shards
    assert found[0] == {
        "name": "debian-trixie" if shards == 1 else "debian-trixie-1-3",
        "target": "debian:trixie",
        **({} if shards == 1 else {"shard": "1/3"}),
    }


def test_github_gets_one_line_with_the_jobs_under_include() -> None:
    line = FORMATS["github"](TARGETS, 2)
    assert "\n" not in line
    assert json.loads(line) == {"include": jobs(TARGETS, 2)}


@pytest.mark.parametrize("shards", [1, 2])
def test_gitlab_gets_a_hidden_job_whose_variables_the_plugin_reads(shards: int) -> None:
    parsed = yaml.safe_load(FORMATS["gitlab"](TARGETS, shards))
    (row,) = parsed[".modssl-matrix"]["parallel"]["matrix"]
    assert row["PYTEST_MODSSL_TARGET"] == list(TARGETS)
    assert row.get("PYTEST_MODSSL_SHARD", []) == (["1/2", "2/2"] if shards == 2 else [])
    assert set(row) <= {one.variable for one in ALL}
    environment = {name: values[0] for name, values in row.items()} | {"PYTEST_MODSSL_TARGET": "local"}
    assert resolve({}, environment, {}).shard.value == (None if shards == 1 else (1, 2))


def test_json_is_the_list_of_jobs() -> None:
    assert json.loads(FORMATS["json"](TARGETS, 2)) == jobs(TARGETS, 2)
