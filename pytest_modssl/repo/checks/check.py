"""What a check is, and what it may look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl.asserts.message import failure
from pytest_modssl.faq import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq import Place
    from pytest_modssl.policy import Policy
    from pytest_modssl.repo.checks.hosts import Hosts
    from pytest_modssl.repo.checks.observed import Arrival, Observed
    from pytest_modssl.repo.checks.options import Options
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.targets.server import Server


@dataclass(frozen=True, slots=True)
class Visit:
    """One virtual host of a running server, to be checked.

    Attributes:
        observed: the server, and all that has been seen of it.
        host: the virtual host.
        options: what the user wants.
    """

    observed: Observed
    host: RepoHost
    options: Options

    @property
    def server(self) -> Server:
        """The running server."""
        return self.observed.server

    @property
    def hosts(self) -> Hosts:
        """All virtual hosts of the configuration."""
        return self.observed.hosts

    @property
    def policy(self) -> Policy:
        """The policy that the host is held against."""
        return self.options.policy_of(self.host)

    @property
    def title(self) -> str:
        """The host as messages name it."""
        return f"{self.host.name}:{self.host.port}"

    def require(
        self,
        headline: str,
        mismatches: Sequence[Mismatch],
        *,
        arrivals: Sequence[Arrival] = (),
        seen: Sequence[object] = (),
        directives: Sequence[tuple[str, str]] = (),
        commands: Callable[[], Sequence[Sequence[str]]] = tuple,
    ) -> None:
        """Returns if there is no mismatch; else raises them all.

        Args:
            headline: what was looked at, in one line.
            mismatches: what is not as expected.
            arrivals: the clients that it was seen by: evidence, with what was logged of them.
            seen: what is shown of that; without any the answers, or the handshakes that led to none.
            directives: names of directives that decide about it, each with a word that must be among its arguments.
            commands: gives command lines that show it again, beyond those of the arrivals.

        Raises:
            ModsslAssertionError: with the user's lines, diagnoses, log, what was seen, the commands.
        """
        __tracebackhide__ = True
        if not mismatches:
            return
        records = [record for one in arrivals for record in one.records]
        observations = [*(one for arrival in arrivals for one in arrival.observations), *seen]
        shown = [one for one in seen if one is not None] or [
            one for arrival in arrivals for one in arrival.observations[-1:]
        ]
        evidence = self.observed.evidence.about(mismatches=mismatches, observations=observations, records=records)
        self.server.instance.settle()  # so that it is seen what has ended
        raise failure(
            headline,
            mismatches,
            diagnose(evidence),
            places=self._places(directives),
            ended=self.server.ended,
            records=records or None,
            seen=shown,
            commands=[
                *(
                    command
                    for one in arrivals
                    for command in one.commands(self.server, self.observed.client(self.host))
                ),
                *commands(),
            ],
        )

    def _places(self, directives: Sequence[tuple[str, str]]) -> list[Place]:
        """Where the virtual host begins, and the directives in effect for it."""
        evidence = self.observed.evidence
        found = [evidence.find(name, host=self.host.key, word=word) for name, word in directives]
        return [self.observed.begin(self.host), *(one.place for one in found if one is not None and one.place)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is looked at, of each virtual host that it is about.

    Attributes:
        name: in the ids of tests and in `--modssl-checks`.
        help: what must be, in one line.
        applies: whether it is about a host, among all of a configuration.
        run: looks, and raises `ModsslAssertionError` where it is not so.
    """

    name: str
    help: str
    applies: Callable[[RepoHost, Hosts], bool]
    run: Callable[[Visit], None]
