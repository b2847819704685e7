"""What httpd makes of a repository's configuration: its virtual hosts, asked where it is to run, without a start.

httpd can be asked once all files are there that it insists on. What the reading finds is made beforehand; what it still
names is made, and httpd asked again, a bounded number of times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.httpd.dumps import check_syntax, effective_config
from pytest_modssl.repo.config import RepoConfig
from pytest_modssl.repo.content import files_of
from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.made import Made
from pytest_modssl.repo.reader import read_configuration
from pytest_modssl.repo.references import kind, paths_in
from pytest_modssl.repo.rewrite import absent_modules, may_be_left_out
from pytest_modssl.repo.told import told_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.problems import ConfigProblem
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.made import Substitution
    from pytest_modssl.targets.base import Prepared, Target

# Each is one more file that no reading could have told, or one more directive of a module that is not there.
_MOST_QUESTIONS = 40
_INVALID = re.compile(r"Invalid command '([^']+)'")
_PLACEHOLDER = b"# made by pytest-modssl\n"


@dataclass(frozen=True, kw_only=True)
class Study:
    """A repository's configuration, made ready to be run.

    Attributes:
        found: where it is.
        config: to be served by the target that was asked.
        refused: why httpd refuses it; `None` where it does not.
        substitutions: what differs from the configuration as deployed.
        client: a certificate that hosts accept which demand one; `None` where none does.
    """

    found: Found
    config: RepoConfig
    refused: StartError | None
    substitutions: tuple[Substitution, ...]
    client: LeafCert | None

    @property
    def hosts(self) -> tuple[RepoHost, ...]:
        """Its virtual hosts, one for each port that they are at; none where httpd refuses it."""
        return self.config.hosts


def study(target: Target, found: Found) -> Study:
    """A repository's configuration, made ready to be run on a target.

    Raises:
        OSError: when a file of the repository cannot be read.
        ModsslError: when the target cannot be asked.
    """
    reading = read_configuration(found)
    deployment = Deployment(found)
    config = RepoConfig(found=found, reading=reading, content=files_of(deployment, reading))
    config = replace(config, made=tuple(_placeholders(config, deployment)))
    absent = absent_modules(reading.statements, target.installation)
    for _ in range(_MOST_QUESTIONS):
        with target.prepared(config) as prepared:
            answer = _ask(prepared)
            machine = prepared.rendered.machine
        if not isinstance(answer, _Problem):
            return _made_ready(config, deployment, told(answer, machine))
        mended = _mended(config, answer, absent, machine)
        if mended is None:
            break
        config = mended
    return Study(found=found, config=config, refused=_refusal(target, config), substitutions=(), client=None)
