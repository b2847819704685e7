"""Configurations of another revision, each beside its own of the working tree: run, compared, and told of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.repo.checks import Hosts, Observed
from pytest_modssl.repo.content import files_of
from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.reader import read_configuration
from pytest_modssl.repo.review import Side, review
from pytest_modssl.repo.revision import find_revision, write_revision

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_modssl.repo.config import RepoConfig
    from pytest_modssl.repo.found import Discovery, Found
    from pytest_modssl.repo.revision import Revision
    from pytest_modssl.run import Run
    from pytest_modssl.targets.base import Target


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be told of a configuration.

    Attributes:
        title: the revision, in one line, and that nothing changed where it is so.
        lines: in what clients see it otherwise; none where they do not.
    """

    title: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.title, *self.lines])


class Base:
    """A revision of a repository, and the configurations that it has there.

    Args:
        root: the repository.
        reference: the revision, as the user names it.
        here: the configurations of the working tree.
        run: whose targets they run on.
        discover: finds those below a folder.
        start: the folder that files of the working tree are named from.
    """

    def __init__(
        self,
        root: Path,
        reference: str,
        here: tuple[Found, ...],
        *,
        run: Run,
        discover: Callable[[Path], Discovery],
        start: Path,
    ) -> None:
        self._root = root
        self._reference = reference
        self._here = here
        self._run = run
        self._discover = discover
        self._start = start

    @cached_property
    def revision(self) -> Revision:
        """The commit.

        Raises:
            RevisionError: there is none.
        """
        return find_revision(self._root, self._reference)

    def compare(self, found: Found, target: Target, observed: Callable[[], Observed]) -> Review:
        """What clients see otherwise of a configuration of the working tree.

        Args:
            found: the configuration.
            target: where both run.
            observed: gives its running server, and is asked where there is anything to compare.

        Raises:
            RevisionError: when git cannot give the revision.
            StartError: when the configuration of the working tree does not start.
        """
        named = f"{self.revision.reference} ({self.revision.commit[:12]})"
        gone = [f"no configuration {one} any more" for one in self._gone] if found == self._here[0] else []
        other = self._pairs.get(found.title)
        if other is None:
            new = f"{found.title} is new: {named} has no such configuration"
            return Review(f"changes since {named}", (new, *gone))
        lines = (
            [] if _same_files(self._run.study(target, found).config, other) else self._beside(other, target, observed)
        )
        lines += gone
        return Review(f"changes since {named}", tuple(lines)) if lines else Review(f"no changes since {named}")

    def _beside(self, other: Found, target: Target, observed: Callable[[], Observed]) -> list[str]:
        """In what a running server differs from that of the base."""
        after = observed()
        study = self._run.study(target, other)
        if study.refused is not None:
            return self._told_refusal(other, study.refused)
        try:
            before = Observed(self._run.serve(target, study, self), Hosts(study.hosts), study.client_for)
            return review(Side(after, lambda file: os.path.relpath(file, self._start)), Side(before, self._named))
        except StartError as error:
            return self._told_refusal(other, error)
        finally:
            self._run.release(self)

    def _told_refusal(self, other: Found, error: StartError) -> list[str]:
        said = [f"    {line}" for line in self._named(str(error)).splitlines()]
        return [f"nothing to compare: httpd does not start with {self.revision.reference}:{other.title}", *said]

    def _named(self, text: str) -> str:
        """A text with the files of the revision as `git show` takes them: "main:conf/httpd.conf"."""
        return text.replace(f"{self._folder}/", self.revision.named(""))

    @cached_property
    def _folder(self) -> Path:
        return write_revision(self.revision, self._run.new_folder())

    @cached_property
    def _there(self) -> dict[str, Found]:
        return {one.title: one for one in self._discover(self._folder).found}

    @cached_property
    def _pairs(self) -> dict[str, Found]:
        """The configuration of the base for each title of the working tree: a single one may have moved."""
        pairs = {one.title: self._there[one.title] for one in self._here if one.title in self._there}
        if not pairs and len(self._here) == len(self._there) == 1:
            return {self._here[0].title: next(iter(self._there.values()))}
        return pairs

    @property
    def _gone(self) -> list[str]:
        paired = {one.title for one in self._pairs.values()}
        return [title for title in self._there if title not in paired]


def _same_files(config: RepoConfig, other: Found) -> bool:
    """Whether two configurations are the same, file by file, so that there is no need to run them."""
    found = config.found
    if (found.layout, found.defines, found.variables) != (other.layout, other.defines, other.variables):
        return False
    reading = read_configuration(other)
    texts = [[(file.deployed, file.text) for file in one.files] for one in (config.reading, reading)]
    return texts[0] == texts[1] and config.content == files_of(Deployment(other), reading)
