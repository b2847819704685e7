"""The markers: their arguments are those of functions, so that a wrong one is told as Python tells it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from pytest_modssl.httpd.requirements import Requirement, Words

T = TypeVar("T")
REQUIRES = "modssl_requires"


class MarkerError(Exception):
    """A marker's arguments do not fit; the message names the test and what fits."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What one `@pytest.mark.modssl(...)` asks for; see `modssl`."""

    directives: str | Path
    host: str | None
    fresh: bool
    errors: tuple[str | re.Pattern[str], ...]


def modssl(
    directives: str | Path = "",
    *,
    host: str | None = None,
    fresh: bool = False,
    errors: Sequence[str | re.Pattern[str]] = (),
) -> Marker:
    """What the marker takes.

    Args:
        directives: text in httpd's language, or the path of a file with it.
        host: name of the virtual hosts to add the directives to; `None` adds them to the server.
        fresh: whether the test changes the server's state and so wants one of its own.
        errors: what the test makes the server log on purpose: AH numbers, pieces of text, or compiled patterns.

    Raises:
        TypeError: for an argument of another type.
    """
    if not isinstance(directives, str | Path):
        raise TypeError(f"directives is text or a Path, not {directives!r}")
    if host is not None and not isinstance(host, str):
        raise TypeError(f"host is a name or None, not {host!r}")
    if isinstance(errors, str) or not _are_wanted(errors):
        raise TypeError(f"errors is a list of texts or compiled patterns, not {errors!r}")
    return Marker(directives, host, bool(fresh), tuple(errors))


def _are_wanted(errors: object) -> bool:
    return isinstance(errors, Collection) and all(isinstance(one, str | re.Pattern) for one in errors)


def requires(
    *,
    httpd: str = "",
    openssl: str = "",
    module: Words = (),
    feature: Words = (),
    mpm: Words = (),
    target: Words = (),
    program: Words = (),
) -> pytest.MarkDecorator:
    """A decorator that skips a test on targets which cannot run it: the marker `modssl_requires`, checked at once.

    It goes wherever a marker may: before a test or a class, in `pytestmark`, in `pytest.param(..., marks=...)`. Within
    a test or a fixture ask the fixture `modssl_requires`. Arguments and errors are those of
    `pytest_modssl.httpd.requirements.requirement`.
    """
    import pytest

    from pytest_modssl.httpd.requirements import requirement

    given = {
        "httpd": httpd,
        "openssl": openssl,
        "module": module,
        "feature": feature,
        "mpm": mpm,
        "target": target,
        "program": program,
    }
    needs = {name: value for name, value in given.items() if value}
    requirement(**needs)  # type: ignore[arg-type]
    return getattr(pytest.mark, REQUIRES)(**needs)  # type: ignore[no-any-return]


def read_requirements(item: pytest.Item) -> list[Requirement]:
    """What the markers `modssl_requires` of a test say, all of which must be met.

    Raises:
        MarkerError: when one has arguments that it cannot have.
    """
    if next(item.iter_markers(REQUIRES), None) is None:
        return []
    from pytest_modssl.httpd.requirements import requirement

    return _read(item, REQUIRES, requirement)


def read_markers(item: pytest.Item) -> list[Marker]:
    """The markers `modssl` of a test, the outermost (module, class) first.

    Raises:
        MarkerError: when one has arguments that it cannot have.
    """
    return _read(item, "modssl", modssl)


def _read(item: pytest.Item, name: str, take: Callable[..., T]) -> list[T]:
    found = []
    for mark in item.iter_markers(name):
        try:
            found.append(take(*mark.args, **mark.kwargs))
        except (TypeError, ValueError) as error:
            fits = f"; its arguments are {inspect.signature(take)}" if isinstance(error, TypeError) else ""
            raise MarkerError(f"{item.nodeid}: @pytest.mark.{name}: {error}{fits}") from None
    return found[::-1]
