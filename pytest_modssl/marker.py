"""The marker `modssl`: its arguments are those of a function, so that a wrong one is told as Python tells it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


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


def read_markers(item: pytest.Item) -> list[Marker]:
    """The markers of a test, the outermost (module, class) first.

    Raises:
        MarkerError: when one has arguments that it cannot have.
    """
    found = []
    for mark in item.iter_markers("modssl"):
        try:
            found.append(modssl(*mark.args, **mark.kwargs))
        except TypeError as error:
            raise MarkerError(
                f"{item.nodeid}: @pytest.mark.modssl: {error}; its arguments are {inspect.signature(modssl)}"
            ) from None
    return found[::-1]
