"""A project's targets as the matrix of a CI system: one job for each target and each part of its tests.

The jobs say what they run by the environment variables that the plugin reads anyway, so their command is the same for
all: `pytest --modssl`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pytest_modssl.settings import SHARD, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GITLAB_JOB = ".modssl-matrix"
"""Name of the hidden job that the GitLab form defines, for `extends:`."""


def github(targets: Sequence[str], shards: int) -> str:
    """One line for `strategy: matrix: ${{ fromJSON(...) }}`: a job for each entry, with a `name` fit for artefacts.

    Source: GitHub Docs, "Running variations of jobs in a workflow", `include` without further keys.
    """
    return json.dumps({"include": jobs(targets, shards)}, separators=(",", ":"))


def gitlab(targets: Sequence[str], shards: int) -> str:
    """A file for `include:` with the hidden job `.modssl-matrix`, which the job that runs pytest extends.

    Its variables are those that the plugin reads. Source: GitLab Docs, CI/CD YAML syntax reference, `parallel:matrix`.
    """
    values = {TARGET.variable: [*targets], SHARD.variable: _shards(shards)}
    rows = [f"{name}: {json.dumps(texts)}" for name, texts in values.items() if texts]
    return "\n".join([f"{GITLAB_JOB}:", "  parallel:", "    matrix:", f"      - {rows[0]}", *(
        f"        {row}" for row in rows[1:]
    )])  # fmt: skip


def plain(targets: Sequence[str], shards: int) -> str:
    """The jobs as a JSON list, for any other system."""
    return json.dumps(jobs(targets, shards), indent=2)


FORMATS: Mapping[str, Callable[[Sequence[str], int], str]] = {"github": github, "gitlab": gitlab, "json": plain}
"""Each form by the name that the command line gives it."""


def jobs(targets: Sequence[str], shards: int) -> list[dict[str, str]]:
    """Every job: `target`, `shard` (i/n; left out where `shards` is 1), and a `name` of letters, digits and `.-_`."""
    return [
        {"name": _name(target, shard), "target": target, **({"shard": shard} if shard else {})}
        for target in targets
        for shard in _shards(shards) or [""]
    ]


def _shards(count: int) -> list[str]:
    return [f"{index}/{count}" for index in range(1, count + 1)] if count > 1 else []


def _name(target: str, shard: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", f"{target} {shard}".strip()).strip("-")
