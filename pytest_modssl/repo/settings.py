"""What a user may say of a repository's configurations and of their checks; see `pytest_modssl.settings`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_modssl.settings import Declared, Setting, Sources, switch, told

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFINE = re.compile(r"[^\s=]+(=.*)?", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL | re.ASCII)


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, texts)))


def _defines(texts: Sequence[str]) -> tuple[str, ...]:
    for one in texts:
        if not _DEFINE.fullmatch(one):
            raise ValueError("NAME, or NAME=value")
    return tuple(texts)


def _variables(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    for one in texts:
        if not _VARIABLE.fullmatch(one):
            raise ValueError("NAME=value")
    return tuple((name, value) for name, _, value in (one.partition("=") for one in texts))


def _name(texts: Sequence[str]) -> str:
    return texts[-1].strip()


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for text in texts for word in text.replace(",", " ").split())


def _pairs(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """First word and rest of each line, both of which must be there."""
    pairs = tuple((first, rest) for first, *others in map(str.split, texts) if (rest := " ".join(others)))
    if len(pairs) < len(texts):
        raise ValueError("each line a host as NAME:PORT, a space, and what is said of it")
    return pairs


def _expected(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """First word and rest of each line, which is the reason and may be missing."""
    for one in texts:
        if "::" not in one.split()[0]:
            raise ValueError("each line the end of a test's id, as shop.example:443::hsts, and the reason")
    return tuple((words[0], " ".join(words[1:])) for words in map(str.split, texts))


CONFIG: Declared[tuple[str, ...]] = Declared(
    "config",
    form="PATH",
    default=(),
    parse=_texts,
    repeatable=True,
    help="httpd configuration to check: a main file, a fragment, or a folder of them; repeatable "
    "(default: those that are found below the folders that are tested)",
)
DEFINE: Declared[tuple[str, ...]] = Declared(
    "define",
    form="NAME[=VALUE]",
    default=(),
    parse=_defines,
    repeatable=True,
    help="NAME for <IfDefine> of the configurations, or NAME=value for ${NAME}; repeatable",
)
ENV: Declared[tuple[tuple[str, str], ...]] = Declared(
    "env",
    form="NAME=VALUE",
    default=(),
    parse=_variables,
    repeatable=True,
    help="NAME=value, an environment variable of httpd that the configurations use; repeatable",
)
POLICY: Declared[str] = Declared(
    "policy",
    form="NAME",
    default="intermediate",
    parse=_name,
    help="Mozilla's configuration that virtual hosts are held against: modern, intermediate or old "
    "(default: intermediate)",
)
CHECKS_CHOSEN: Declared[tuple[str, ...]] = Declared(
    "checks",
    form="NAMES",
    default=(),
    parse=_words,
    repeatable=True,
    help="checks to run, by name; -name or !name leaves one out, as --modssl-checks=-hsts (default: all)",
)
EXPECT_FAIL: Declared[tuple[tuple[str, str], ...]] = Declared(
    "expect_fail",
    form="ID REASON",
    default=(),
    parse=_expected,
    table=True,
    help="checks of configurations that are known to fail: on each line the end of the test's id and the reason",
)
HOST_POLICY: Declared[tuple[tuple[str, str], ...]] = Declared(
    "host_policy",
    form="HOST POLICY",
    default=(),
    parse=_pairs,
    table=True,
    help="other policies than modssl_policy: on each line a virtual host (NAME:PORT, * allowed) and the policy",
)
HOST_CHECKS: Declared[tuple[tuple[str, str], ...]] = Declared(
    "host_checks",
    form="HOST CHECKS",
    default=(),
    parse=_pairs,
    table=True,
    help="checks of some virtual hosts: on each line a host (NAME:PORT, * allowed) and what modssl_checks takes",
)
ALLOWED_WARNINGS: Declared[tuple[str, ...]] = Declared(
    "allowed_warnings",
    form="TEXT",
    default=(),
    parse=_texts,
    table=True,
    help="warnings that httpd may give at its start: on each line an AH number or a piece of the text",
)
BASE: Declared[str] = Declared(
    "base",
    form="REF",
    default="",
    parse=_name,
    help="revision of git (main, HEAD~1, a tag): tell what clients see otherwise than of the configurations there",
)
UNCHANGED = Declared(
    "unchanged",
    default=False,
    parse=switch,
    flag=True,
    help="fail where clients see anything otherwise than of the revision modssl_base",
)
ALL: tuple[Declared[Any], ...] = (
    CONFIG,
    DEFINE,
    ENV,
    BASE,
    UNCHANGED,
    POLICY,
    CHECKS_CHOSEN,
    EXPECT_FAIL,
    HOST_POLICY,
    HOST_CHECKS,
    ALLOWED_WARNINGS,
)


@dataclass(frozen=True, slots=True)
class RepoSettings:
    """The settings of a repository's checks.

    Attributes:
        configs: main files, fragments and folders that are meant; none where they are to be found.
        defines: names, and names with values, that httpd is started with.
        variables: environment variables of httpd, as pairs.
        base: the revision that configurations are compared with; empty for none.
        unchanged: whether a difference from it fails.
        policy: name of the policy that hosts are held against.
        checks: names of checks to run or, with a sign, to leave out.
        expect_fail: end of a test's id and reason, of each that is known to fail.
        host_policies: pattern of hosts and policy.
        host_checks: pattern of hosts and what `checks` takes.
        allowed_warnings: AH numbers and pieces of text.
    """

    configs: Setting[tuple[str, ...]]
    defines: Setting[tuple[str, ...]]
    variables: Setting[tuple[tuple[str, str], ...]]
    base: Setting[str]
    unchanged: Setting[bool]
    policy: Setting[str]
    checks: Setting[tuple[str, ...]]
    expect_fail: Setting[tuple[tuple[str, str], ...]]
    host_policies: Setting[tuple[tuple[str, str], ...]]
    host_checks: Setting[tuple[tuple[str, str], ...]]
    allowed_warnings: Setting[tuple[str, ...]]

    def described(self) -> list[str]:
        """Each setting that is not a default, and where it came from; of variables the names alone."""
        source = ENV.variable if self.variables.source.startswith(f"{ENV.variable}=") else self.variables.source
        names = Setting(tuple(name for name, _ in self.variables.value), source)
        return told(
            [
                ("config", self.configs),
                ("define", self.defines),
                ("env", names),
                ("base", self.base),
                ("unchanged", self.unchanged),
                ("policy", self.policy),
                ("checks", self.checks),
            ]
        )


def resolve(sources: Sources) -> RepoSettings:
    """The settings of a repository's checks.

    Raises:
        SettingError: when a value cannot be read.
    """
    one = sources.read
    return RepoSettings(
        configs=one(CONFIG),
        defines=one(DEFINE),
        variables=one(ENV),
        base=one(BASE),
        unchanged=one(UNCHANGED),
        policy=one(POLICY),
        checks=one(CHECKS_CHOSEN),
        expect_fail=one(EXPECT_FAIL),
        host_policies=one(HOST_POLICY),
        host_checks=one(HOST_CHECKS),
        allowed_warnings=one(ALLOWED_WARNINGS),
    )
