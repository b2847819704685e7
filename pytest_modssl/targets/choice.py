"""Which target a name stands for, and which one `auto` takes on this machine."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from pytest_modssl.errors import EngineError, HttpdNotFoundError, MissingModuleError
from pytest_modssl.httpd.installation import find_httpd

if TYPE_CHECKING:
    from pytest_modssl.httpd.crashes import Backtrace
    from pytest_modssl.httpds.wishes import Wishes
    from pytest_modssl.progress import Say
    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.registry import Owner


class Choice(NamedTuple):
    """A target by its name (`local`, `docker:IMAGE`), and why it was taken."""

    name: str
    reason: str


def choose_automatically(engine: str | None = None, *, offline: bool) -> Choice:
    """The target that `auto` stands for.

    A container engine with the default image; else an httpd of this machine; else an engine that can make the image,
    which takes a minute once; else the httpd of a Debian suite in the user's cache, which takes seconds once.

    Args:
        engine: the container engine, see `container_target`.
        offline: nothing may be fetched or made.

    Raises:
        HttpdNotFoundError: when there is none of these, with what was tried and what to install.
    """
    state = _engine_state(engine)
    if state == "":
        return Choice("docker", "auto: the engine has the default image")
    try:
        find_httpd()
    except HttpdNotFoundError as error:
        if state is None and not offline:
            return Choice("docker", "auto: no httpd on this machine, so the default image is made")
        without = _unpacked_state(offline=offline)
        if without is None:
            return Choice("debian", "auto: neither an httpd on this machine nor a container engine")
        no_engine = state or "it has no image yet, and offline mode forbids to make it"
        raise HttpdNotFoundError(
            f"{error}\nNor is there a container engine: {no_engine}\nNor can one be had without either: {without}"
        ) from None
    why = "the engine has no image yet" if state is None else state.partition(". What to do")[0]
    return Choice("local", f"auto: {why}")


def _unpacked_state(*, offline: bool) -> str | None:
    """`None` when the default httpd of `httpds` is there or may be fetched, else why not."""
    from pytest_modssl.httpds import debian, store
    from pytest_modssl.httpds.suites import DEFAULT

    because = debian.why_not_here()
    if because is None and offline and store.find("debian", DEFAULT) is None:
        return f"debian:{DEFAULT} is not in the cache, and offline mode forbids to fetch it"
    return because


def _engine_state(named: str | None) -> str | None:
    """Empty when the engine has the default image, `None` when it has not, else why there is no engine."""
    from pytest_modssl.targets.images import default_is_ready

    try:
        with contextlib.closing(_connect(named)) as engine:
            return "" if default_is_ready(engine) else None
    except EngineError as error:
        return str(error)


def unpacked_target(
    name: str, owner: Owner, *, start_seconds: float, wishes: Wishes, backtrace: Backtrace | None = None
) -> LocalTarget:
    """The target for an httpd that is had without an installation.

    Args:
        name: for example `"debian:trixie"`.
        owner: see `LocalTarget`.
        start_seconds: see `LocalTarget`.
        wishes: how it may be had.
        backtrace: see `LocalTarget`.

    Raises:
        FetchError: when it cannot be had.
    """
    from pytest_modssl.httpds import kinds
    from pytest_modssl.targets.local import LocalTarget

    kept = kinds.get(name, wishes)
    called = kept.target.replace(":", "-")
    return LocalTarget(kept.installation(), owner, start_seconds=start_seconds, name=called, backtrace=backtrace)


def _connect(engine: str | None) -> Engine:
    from pytest_modssl.targets.engine import connect

    return connect() if engine is None else connect({**os.environ, "DOCKER_HOST": engine})


def container_target(
    image: str | None,
    owner: Owner,
    *,
    start_seconds: float,
    say: Say,
    offline: bool = False,
    engine: str | None = None,
    backtrace: Backtrace | None = None,
) -> ContainerTarget:
    """The target for an image.

    Args:
        image: its name; `None` for the default image, which is made when it is not there.
        owner: see `ContainerTarget`.
        start_seconds: see `ContainerTarget`.
        say: told of each step of making or pulling an image.
        offline: no image may be made or pulled.
        engine: the engine, as `DOCKER_HOST` names it; `None` for the one that docker's own settings name.
        backtrace: see `ContainerTarget`.

    Raises:
        EngineError: when there is no engine, or the image cannot be had.
        HttpdNotFoundError: when the image has no httpd.
        MissingModuleError: when its httpd has no mod_ssl.
    """
    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.images import image_for

    connected = _connect(engine)
    try:
        name = image_for(connected, image, say=say, offline=offline)
        target = ContainerTarget(connected, name, owner, start_seconds=start_seconds, backtrace=backtrace)
        try:
            target.installation.require({"ssl"})
        except MissingModuleError as error:
            with contextlib.suppress(EngineError):  # what is on its way says more
                target.close()
            raise MissingModuleError(f"image {name}: {error}") from None
    except BaseException:
        connected.close()
        raise
    return target
