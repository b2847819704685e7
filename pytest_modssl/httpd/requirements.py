"""What a test, or a rule about servers, needs of the httpd that it meets."""

from __future__ import annotations

import difflib
import fnmatch
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from pytest_modssl.httpd.features import FEATURES, has_openssl
from pytest_modssl.httpd.modules import module_names
from pytest_modssl.httpd.specifiers import specifier, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl.httpd.installation import Installation, Version

    Words = str | Sequence[str]

MPMS = ("event", "worker", "prefork")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What is needed; empty where nothing is. Made by `requirement`, which checks it.

    Attributes:
        httpd: versions of httpd.
        openssl: versions of OpenSSL that mod_ssl runs on.
        module: modules, all of which are needed.
        feature: names of `FEATURES`, all of which are needed.
        mpm: MPMs, one of which must be usable.
        target: names of targets, one of which it must be: a kind ("docker"), or a name with `*` ("debian:*").
        program: programs that must be on PATH where the tests run, all of them.
    """

    httpd: str = ""
    openssl: str = ""
    module: tuple[str, ...] = ()
    feature: tuple[str, ...] = ()
    mpm: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    program: tuple[str, ...] = ()

    def __str__(self) -> str:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        shown = {name: value if isinstance(value, str) else ", ".join(value) for name, value in values.items()}
        return "; ".join(f"{name} {value}" for name, value in shown.items() if value)


class RequirementMaker(Protocol):
    """A function with the arguments of `requirement`."""

    def __call__(
        self,
        *,
        httpd: str = ...,
        openssl: str = ...,
        module: Words = ...,
        feature: Words = ...,
        mpm: Words = ...,
        target: Words = ...,
        program: Words = ...,
    ) -> object:
        """See `requirement`."""
        ...


def requirement(
    *,
    httpd: str = "",
    openssl: str = "",
    module: Words = (),
    feature: Words = (),
    mpm: Words = (),
    target: Words = (),
    program: Words = (),
) -> Requirement:
    """A requirement whose every part can be met by some httpd.

    Args:
        httpd: versions of httpd, as `">=2.4.66"` or `">=2.4.52,!=2.4.59"` (operators of PEP 440).
        openssl: versions of the OpenSSL that mod_ssl runs on, likewise: `"<3.5"`, `">=1.1.1w"`. LibreSSL meets none.
        module: a module or several, all of which are needed: `"http2"`; one that is not httpd's own with `mod_`, which
            tells it from a slip: `"mod_security2"`.
        feature: a name of `pytest_modssl.httpd.features.FEATURES` or several, all of which are needed: "compression".
        mpm: an MPM or several, one of which must be usable: "event", "worker", "prefork".
        target: a target or several, one of which it must be: "docker" (any of that kind), "debian:trixie", "debian:*".
        program: a program or several that must be on PATH where the tests run, all of them: "curl", ["java", "javac"].

    Raises:
        TypeError: for an argument of another type.
        ValueError: for what is no version specifier, module, feature or MPM, or nothing at all; with what fits.
    """
    for name, text in (("httpd", httpd), ("openssl", openssl)):
        if not isinstance(text, str):
            raise TypeError(f"{name} is text such as '>=2.4.66', not {text!r}")
        specifier(text)
    needed = Requirement(
        httpd=httpd,
        openssl=openssl,
        module=tuple(map(_module, _words("module", module))),
        feature=_words("feature", feature),
        mpm=_words("mpm", mpm),
        target=_words("target", target),
        program=_words("program", program),
    )
    _known("feature", needed.feature, FEATURES)
    _known("mpm", needed.mpm, MPMS)
    if needed == Requirement():
        raise ValueError("nothing is required: name httpd, openssl, module, feature, mpm, target or program")
    return needed


def unmet(needed: Requirement, installation: Installation, target: str = "") -> list[str]:
    """What an httpd lacks, in words; empty where it has all.

    Args:
        needed: what is needed.
        installation: the httpd.
        target: the target that it belongs to, by its name as `--modssl-target` takes it; without one any will do.

    Raises:
        StartError: when httpd cannot be asked for a feature.
    """
    return list(_unmet(needed, installation, target))


def _unmet(needed: Requirement, installation: Installation, target: str) -> Iterator[str]:
    if needed.httpd and not within(installation.version, specifier(needed.httpd)):
        yield f"needs httpd {needed.httpd}, has {installation.version}"
    if needed.openssl and not has_openssl(installation, specifier(needed.openssl)):
        yield f"needs OpenSSL {needed.openssl}, has {_library(installation.tls_library, installation.openssl)}"
    lacking: list[tuple[str, Sequence[str], Callable[[str], bool]]] = [
        ("module", needed.module, installation.has),
        ("feature", needed.feature, installation.can),
    ]
    for kind, names, has in lacking:
        missing = [name for name in names if not has(name)]
        if missing:
            yield f"lacks {kind} {', '.join(missing)}"
    absent = [name for name in needed.program if shutil.which(name) is None]
    if absent:
        yield f"lacks program {', '.join(absent)} on this machine"
    if needed.mpm and not set(needed.mpm) & set(installation.mpms):
        yield f"needs MPM {' or '.join(needed.mpm)}, has {', '.join(installation.mpms)}"
    if needed.target and target and not any(_names(pattern, target) for pattern in needed.target):
        yield f"needs target {' or '.join(needed.target)}, is {target}"


def _library(name: str | None, version: Version | None) -> str:
    return (
        "none that tells its version" if version is None else str(version) if name == "OpenSSL" else f"{name} {version}"
    )


def _names(pattern: str, target: str) -> bool:
    return fnmatch.fnmatchcase(target, pattern) or target.partition(":")[0] == pattern


def _words(name: str, value: Words) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(one, str) and one for one in words):
        raise TypeError(f"{name} is a name or a list of names, not {value!r}")
    return tuple(words)


def _module(name: str) -> str:
    bare, own = name.removeprefix("mod_"), module_names()
    if bare == name or bare in own:
        _known("module", [name], own)
    return bare


def _known(kind: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            bare = name.removeprefix("mod_").removesuffix("_module")
            near = [bare] if bare in known else difflib.get_close_matches(name, known, n=3)
            many = len(known) > 12 and near
            fits = f"did you mean {' or '.join(near)}?" if many else f"one of {', '.join(known)}"
            raise ValueError(f"unknown {kind} {name!r}: {fits}")
