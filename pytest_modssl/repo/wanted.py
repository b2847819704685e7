"""Which checks are to run, and which of them are known to fail."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import PolicyError
from pytest_modssl.policy import policy
from pytest_modssl.repo.checks import CHECKS, Options
from pytest_modssl.repo.checks.options import fits
from pytest_modssl.settings import SettingError
from pytest_modssl.text import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.settings import RepoSettings

SYNTAX: Final = "syntax"
STARTS: Final = "starts"
SECRETS: Final = "secrets"
CHANGES: Final = "changes"
NAMES: Final = (SYNTAX, STARTS, SECRETS, CHANGES, *(one.name for one in CHECKS))
"""All checks: those of a configuration as a whole, then those of its virtual hosts."""

_OUT: Final = ("-", "!")
_SHOWN: Final = 8


def options_of(settings: RepoSettings) -> Options:
    """How strict the checks are.

    Raises:
        SettingError: a policy that there is not.
    """
    for setting, names in (
        (settings.policy, [settings.policy.value]),
        (settings.host_policies, [name for _, name in settings.host_policies.value]),
    ):
        for name in names:
            try:
                policy(name)
            except PolicyError as error:
                raise SettingError(f"{setting.source}: {error}") from None
    return Options(
        policy=settings.policy.value,
        host_policies=settings.host_policies.value,
        allowed_warnings=settings.allowed_warnings.value,
    )


class Wanted:
    """The choice of checks.

    Args:
        settings: what the user says.

    Raises:
        SettingError: a name that is none of a check.
    """

    def __init__(self, settings: RepoSettings) -> None:
        self._settings = settings
        self._general = settings.checks.value
        self._by_host = [(pattern, _words(text)) for pattern, text in settings.host_checks.value]
        self._expected = settings.expect_fail.value
        for setting, names in (
            (settings.checks, self._general),
            (settings.host_checks, [name for _, words in self._by_host for name in words]),
            (settings.expect_fail, [end.rpartition("::")[2].partition("[")[0] for end, _ in self._expected]),
        ):
            for name in names:
                if name.lstrip("-!") not in NAMES and not any(sign in name for sign in "*?"):
                    known = ", ".join(NAMES)
                    raise SettingError(f"{setting.source}: there is no check {name.lstrip('-!')!r}; there are {known}")

    def has(self, name: str, host: RepoHost | None = None) -> bool:
        """Whether a check is to run, of a virtual host or of a whole configuration."""
        wanted = _chosen(name, self._general, default=True)
        for pattern, names in self._by_host if host is not None else ():
            if host is not None and fits(pattern, host):
                wanted = _chosen(name, names, default=wanted)
        return wanted

    def reason_to_fail(self, test: str) -> str | None:
        """Why a test is known to fail; `None` where it is not.

        Args:
            test: its id: "httpd.conf::shop.example:443::hsts", with a target in brackets where there are several.
        """
        for end, reason in self._expected:
            if _ends(test, end):
                return reason or "known to fail (modssl_expect_fail)"
        return None

    def idle(self, hosts: Collection[RepoHost], tests: Collection[str]) -> Iterator[tuple[str, str]]:
        """The first word of each line that speaks of a virtual host or check that there is not, and what is wrong.

        Args:
            hosts: all that there are.
            tests: ids of all the checks that there could be.
        """
        known = list(dict.fromkeys(f"{host.name}:{host.port}" for host in hosts))
        for setting in (self._settings.host_policies, self._settings.host_checks):
            for pattern, _ in setting.value:
                if not any(fits(pattern, host) for host in hosts):
                    there = listed(known, _SHOWN) or "none"
                    yield pattern, f"{setting.source}: {pattern} is no virtual host; there are {there}"
        for end, _ in self._expected:
            if not any(_ends(test, end) for test in tests):
                name = end.rpartition("::")[2]
                like = [test for test in tests if test.endswith(f"::{name}")]
                there = f"the checks of this name are {listed(like, _SHOWN)}" if like else "none of this name applies"
                yield end, f"{self._settings.expect_fail.source}: no test's id ends with {end}; {there}"


def _ends(test: str, end: str) -> bool:
    """Whether a test's id, with its target in brackets or without, ends with what a user says, in which `*` may be."""
    ids = (test, test.partition("[")[0])
    return any(one == end or one.endswith(f"::{end}") or fnmatch.fnmatchcase(one, f"*::{end}") for one in ids)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _chosen(name: str, words: Sequence[str], *, default: bool) -> bool:
    """Whether a list of names has a name in it; one of names with a sign alone has all others, as `default` says."""
    if any(word.startswith(_OUT) and word[1:] == name for word in words):
        return False
    chosen = [word for word in words if not word.startswith(_OUT)]
    return name in chosen if chosen else default
