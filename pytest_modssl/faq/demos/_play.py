"""What a demonstration is, and how it is played: problem, diagnosis, remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from pytest_modssl.errors import ModsslAssertionError, ModsslError, StartError
from pytest_modssl.faq import Diagnosis, diagnose

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.httpd.config import ServerConfig
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a demonstration has to work with.

    Attributes:
        ca: a CA whose root the clients trust.
        installation: the httpd that will serve.
    """

    ca: CA
    installation: Installation


def _starts(_: Server) -> None:
    """The check of a problem that keeps the server from starting: with the remedy it starts."""


def started_by_an_ordinary_user(installation: Installation) -> bool:
    """Whether the account that starts httpd may not read everything, nor listen on every port, as root may."""
    return installation.run(["test", "-r", "/etc/shadow"]).returncode != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A problem, its remedy, and the check that tells them apart.

    Attributes:
        entry: id of the entry that the problem must be diagnosed as.
        name: tells several demonstrations of one entry apart; in words.
        problem: gives the configuration that has it.
        remedy: gives the same with the entry's answer applied.
        check: what a user's test calls: it raises on the problem, and passes on the remedy. Left out where the problem
            keeps the server from starting.
        cure: the same check as one makes it who follows the remedy, where that is the client's to do; left out where
            the server alone changes.
        place: a piece of the user's line that the diagnosis must point at; empty where there is no such line.
        number: of the log line that the diagnosis must show; empty where none tells of it.
        also: ids of further entries that are true of the problem.
        available: whether this httpd can show it.
    """

    entry: str
    name: str = ""
    problem: Callable[[Scene], ServerConfig]
    remedy: Callable[[Scene], ServerConfig]
    check: Callable[[Server], object] = _starts
    cure: Callable[[Server], object] | None = None
    place: str = ""
    number: str = ""
    also: tuple[str, ...] = ()
    available: Callable[[Installation], bool] = lambda _: True

    def __str__(self) -> str:
        return f"{self.entry}{self.name and f': {self.name}'}"


@dataclass(frozen=True, slots=True)
class Played:
    """What one half of a demonstration came to.

    Attributes:
        error: what the start or the check failed with; `None` where both passed.
        diagnoses: what was found, most likely first; of a check that passed, what would be found had the test failed.
        seen: the observations as text, with the transcripts of handshakes.
        commands: what repeats it by hand.
    """

    error: BaseException | None
    diagnoses: tuple[Diagnosis, ...]
    seen: tuple[object, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


def play(target: Target, config: ServerConfig, check: Callable[[Server], object]) -> Played:
    """What comes of starting a server and checking it; the server is gone afterwards.

    Args:
        target: where it runs.
        config: what it serves.
        check: raises where something is wrong.
    """
    try:
        server = target.launch(config)
    except StartError as error:
        return Played(error, error.diagnoses)
    try:
        # What was logged while it started belongs to the check, as for the first test that uses a server.
        failed: BaseException | None = None
        try:
            check(server)
        except (AssertionError, ModsslError, requests.RequestException) as error:
            failed = error
        if isinstance(failed, ModsslAssertionError):
            diagnoses = failed.diagnoses
        else:
            diagnoses = diagnose(server.evidence(error=failed or AssertionError()))
        return Played(failed, diagnoses, tuple(server.observations), tuple(map(tuple, server.commands())))
    finally:
        server.stop()
