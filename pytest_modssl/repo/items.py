"""A configuration as pytest collects it: a file, its virtual hosts, and a test for each check.

    httpd.conf::syntax
    httpd.conf::starts
    httpd.conf::secrets
    httpd.conf::shop.example:443::handshake
    httpd.conf::changes

With several targets each test is there once for each, with the target's id in brackets.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.errors import Mismatch, ModsslAssertionError, ModsslError, StartError
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.checks import CHECKS, Hosts, Observed, Visit, secrets, starts
from pytest_modssl.repo.hosts import Seen
from pytest_modssl.repo.wanted import CHANGES, SECRETS, STARTS, SYNTAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_modssl.repo.base import Base, Review
    from pytest_modssl.repo.checks import Options
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.made import Substitution
    from pytest_modssl.repo.study import Study
    from pytest_modssl.repo.wanted import Wanted
    from pytest_modssl.run import Run
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server


CHANGED = "modssl changes"
"""The property of a report (`user_properties`) that has what clients see otherwise, in lines."""


@dataclass(frozen=True, slots=True)
class Since:
    """What a configuration is compared with.

    Attributes:
        base: the revision.
        unchanged: whether a difference fails.
    """

    base: Base
    unchanged: bool


def first_file(found: Found) -> Path:
    """The file that a configuration is collected by: its main file, or the first of its fragments."""
    return found.main or found.fragments[0]


class ConfigFile(pytest.File):
    """A configuration: checks of it as a whole, then its virtual hosts."""

    def __init__(
        self, *, found: Found, run: Run, wanted: Wanted, options: Options, since: Since | None, **node: Any
    ) -> None:
        super().__init__(**node)
        self.found = found
        self.run = run
        self.wanted = wanted
        self.options = options
        self.since = since
        self._hosts: dict[str, Hosts] = {}
        self._observed: dict[str, Observed] = {}

    @property
    def substitutions(self) -> list[str]:
        """What differs from the configuration as deployed, in lines."""
        told = (one for target in self.run.targets for one in self._substitutions(target))
        return list(dict.fromkeys(map(str, told)))

    def _substitutions(self, target: Target) -> tuple[Substitution, ...]:
        try:
            return self.study(target).substitutions
        except (ModsslError, OSError):  # told where the configuration is collected
            return ()

    def study(self, target: Target) -> Study:
        """What httpd makes of the configuration."""
        return self.run.study(target, self.found)

    def hosts(self, target: Target) -> Hosts:
        """The virtual hosts that there are on a target."""
        if target.id not in self._hosts:
            self._hosts[target.id] = Hosts(self.study(target).hosts)
        return self._hosts[target.id]

    def observed(self, target: Target) -> Observed:
        """The running server, and what has been seen of it.

        Raises:
            StartError: it does not start.
        """
        if target.id not in self._observed:
            one = self.study(target)
            server = self.run.serve(target, one, self)
            self._observed[target.id] = Observed(server, self.hosts(target), one.client_for, one.config.assumed)
        return self._observed[target.id]

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Checks of the configuration, then virtual hosts; where httpd refuses it, no more than that it does."""
        targets = self.run.targets
        try:
            refused = [one for one in targets if self.study(one).refused is not None]
            _ = self.since and self.since.base.revision
        except (ModsslError, OSError) as error:
            raise self.CollectError(f"{self.found.title}: {error}") from None
        whole: list[tuple[str, Callable[[ConfigFile, Target], None], Sequence[Target]]] = [
            (SYNTAX, _syntax, targets),
            (STARTS, _starts, targets),
            (SECRETS, _secrets, targets[:1] if len(refused) < len(targets) else ()),
        ]
        place = Origin(str(self.path), 1)
        for name, look, where in whole:
            for target in where if self.wanted.has(name) else ():
                yield Check.from_parent(
                    self,
                    name=name if name == SECRETS else self._name(name, target),
                    place=place,
                    target=None if name == SECRETS else target,
                    look=partial(look, self, target),
                    wanted=self.wanted,
                )
        for name, hosts in self._by_name().items():
            yield HostNode.from_parent(self, name=name, hosts=hosts)
        if self.since is not None and self.wanted.has(CHANGES):
            for target in targets:
                if target not in refused:
                    yield Changes.from_parent(
                        self,
                        name=self._name(CHANGES, target),
                        place=place,
                        target=target,
                        look=partial(self.reviewed, target, self.since),
                        wanted=self.wanted,
                        unchanged=self.since.unchanged,
                    )

    def _by_name(self) -> dict[str, list[tuple[Target, RepoHost]]]:
        """The virtual hosts of all targets by the name of their node; equal names are numbered."""
        found: dict[str, list[tuple[Target, RepoHost]]] = {}
        for target in self.run.targets:
            times: Counter[str] = Counter()
            for host in self.hosts(target):
                name = f"{_in_id(host.name)}:{host.port}"
                times[name] += 1
                found.setdefault(name if times[name] == 1 else f"{name}#{times[name]}", []).append((target, host))
        return found

    def possible(self) -> Iterator[str]:
        """Ids of all checks that there are where none is left out; none where httpd refuses the configuration."""
        yield from (f"{self.nodeid}::{name}" for name in (SYNTAX, STARTS, SECRETS, CHANGES))
        for node, hosts in self._by_name().items():
            for check in CHECKS:
                for target, host in hosts:
                    if check.applies(host, self.hosts(target)):
                        yield f"{self.nodeid}::{node}::{self._name(check.name, target)}"

    def checks_of(self, node: HostNode, hosts: Sequence[tuple[Target, RepoHost]]) -> Iterator[pytest.Item]:
        """A test for each check that is about a virtual host, on each target."""
        for check in CHECKS:
            for target, host in hosts:
                if self.wanted.has(check.name, host) and check.applies(host, self.hosts(target)):
                    yield Check.from_parent(
                        node,
                        name=self._name(check.name, target),
                        place=host.origin,
                        target=target,
                        look=partial(self._look, check.run, target, host),
                        wanted=self.wanted,
                        seen=partial(self.seen, node.name, target, host),
                        names=host.names,
                    )

    def seen(self, node: str, target: Target, host: RepoHost) -> Seen:
        """What has been seen of a virtual host so far."""
        observed = self._observed.get(target.id)
        return Seen(
            file=self.nodeid,
            host=node,
            target=self.run.name_of(target),
            protocols=() if observed is None else observed.protocols(host),
            policy=self.options.policy_of(host).name if host.tls else "",
            ends=None if observed is None else observed.certificate_end(host),
        )

    def _look(self, run: Callable[[Visit], None], target: Target, host: RepoHost) -> None:
        __tracebackhide__ = True
        run(Visit(self._started(target), host, self.options))

    def reviewed(self, target: Target, since: Since) -> Review:
        """What clients see otherwise than of the base."""
        return since.base.compare(self.found, target, partial(self._started, target))

    def _started(self, target: Target) -> Observed:
        """The same as `observed`, for tests that are not about the start."""
        __tracebackhide__ = True
        try:
            return self.observed(target)
        except StartError as error:
            told = f"httpd does not start, see {self.nodeid}::{self._name(STARTS, target)}"
            raise ModsslError(f"{told}: {str(error).partition(chr(10))[0]}") from None

    def _name(self, check: str, target: Target) -> str:
        return f"{check}[{target.id}]" if len(self.run.targets) > 1 else check

    @property
    def servers(self) -> Sequence[Server]:
        """The servers that run on the configuration."""
        return [one.server for one in self._observed.values()]

    def teardown(self) -> None:
        """Gives the servers back."""
        self._observed.clear()
        self.run.release(self)


def _syntax(file: ConfigFile, target: Target) -> None:
    """That httpd accepts the configuration (`httpd -t`)."""
    refused = file.study(target).refused
    if refused is not None:
        raise refused


def _starts(file: ConfigFile, target: Target) -> None:
    """That httpd starts with it, and gives no warning."""
    _syntax(file, target)
    starts(file.observed(target), file.options)


def _secrets(file: ConfigFile, _target: Target) -> None:
    """That there is no private key in the repository."""
    secrets(file.found.root)


def _in_id(name: str) -> str:
    """The name of a host as a part of a test's id, in which brackets and two colons mean something."""
    try:
        return ipaddress.IPv6Address(name.strip("[]")).exploded
    except ValueError:
        return name


class HostNode(pytest.Collector):
    """A virtual host, on every target that has it."""

    def __init__(self, *, hosts: Sequence[tuple[Target, RepoHost]], **node: Any) -> None:
        super().__init__(**node)
        self._hosts = hosts

    def collect(self) -> Iterable[pytest.Item]:
        """A test for each check that is about it."""
        file = self.parent
        assert isinstance(file, ConfigFile)
        return file.checks_of(self, self._hosts)


class Check(pytest.Item):
    """A test of ours: it stands at the user's line, and tells what is wrong in its own words.

    Attributes:
        target: where its server runs; `None` for one without a server.
        seen: tells what has been seen of its virtual host so far; `None` for one that is about none.
        modssl_names: the names of the virtual host that it is about; empty where it is about all.
    """

    modssl_check = True
    modssl_no_setup = True

    def __init__(
        self,
        *,
        place: Origin,
        target: Target | None,
        look: Callable[[], None],
        wanted: Wanted,
        seen: Callable[[], Seen] | None = None,
        names: Sequence[str] = (),
        **node: Any,
    ) -> None:
        super().__init__(**node)
        self.target = target
        self.seen = seen
        self.modssl_names = names
        self._place = place
        self._look = look
        # Not as in the id: where its end is the same, pytest takes the dots in it for those of a Python name.
        self._title = self.nodeid.partition("::")[2].replace("::", " ")
        reason = wanted.reason_to_fail(self.nodeid)
        if reason is not None:
            self.add_marker(pytest.mark.xfail(reason=reason))

    def runtest(self) -> None:
        """Looks."""
        __tracebackhide__ = True
        self._look()

    def reportinfo(self) -> tuple[Path, int, str]:
        """The user's file and line."""
        return Path(self._place.file), self._place.line - 1, self._title

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message of an assertion or a refusal alone: the way to it through our own code tells nothing."""
        if not isinstance(excinfo.value, (ModsslAssertionError, ModsslError)):
            return super().repr_failure(excinfo, style)
        shown: Any = excinfo.getrepr(style="value")
        shown.reprtraceback.reprentries[0].lines[:] = [f"{excinfo.value}\n"]
        if shown.reprcrash is not None:
            shown.reprcrash.path, shown.reprcrash.lineno = self._place.file, self._place.line
            shown.reprcrash.message = str(excinfo.value)
        return shown


class Changes(Check):
    """What clients see otherwise than of another revision: in the report, and at the end of the run."""

    def __init__(self, *, look: Callable[[], Review], unchanged: bool, **node: Any) -> None:
        super().__init__(look=self._compare, **node)
        self._review = look
        self._unchanged = unchanged

    def _compare(self) -> None:
        __tracebackhide__ = True
        found = self._review()
        self.user_properties.append((CHANGED, str(found)))
        if self._unchanged and found.lines:
            mismatches = [Mismatch("what clients see", "the same", line.strip()) for line in found.lines]
            raise ModsslAssertionError(str(found), headline=found.title, mismatches=mismatches)
        self.add_report_section("call", "modssl changes", str(found))
