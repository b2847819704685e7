"""Which target a name stands for, and which one `auto` takes on this machine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from pytest_modssl.errors import EngineError, HttpdNotFoundError, MissingModuleError
from pytest_modssl.httpd.installation import find_httpd

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.registry import Owner


class Choice(NamedTuple):
    """A target by its name (`local`, `docker:IMAGE`), and why it was taken."""

    name: str
    reason: str


def choose_automatically() -> Choice:
    """The target that `auto` stands for.

    A container engine with the default image; else an httpd of this machine; else an engine that can make the image,
    which takes a minute once.

    Raises:
        HttpdNotFoundError: when there is neither, with what was tried and what to install.
    """
    engine = _engine_state()
    if engine == "":
        return Choice("docker", "auto: the engine has the default image")
    try:
        find_httpd()
    except HttpdNotFoundError as error:
        if engine is None:
            return Choice("docker", "auto: no httpd on this machine, so the default image is made")
        raise HttpdNotFoundError(f"{error}\nNor is there a container engine: {engine}") from None
    why = "the engine has no image yet" if engine is None else engine.partition(". What to do")[0]
    return Choice("local", f"auto: {why}")


def _engine_state() -> str | None:
    """Empty when the engine has the default image, `None` when it has not, else why there is no engine."""
    from pytest_modssl.targets.engine import connect
    from pytest_modssl.targets.images import default_is_ready

    try:
        with contextlib.closing(connect()) as engine:
            return "" if default_is_ready(engine) else None
    except EngineError as error:
        return str(error)


def container_target(
    image: str | None, owner: Owner, *, start_seconds: float, say: Callable[[str], None]
) -> ContainerTarget:
    """The target for an image.

    Args:
        image: its name; `None` for the default image, which is made when it is not there.
        owner: see `ContainerTarget`.
        start_seconds: see `ContainerTarget`.
        say: told of each step of making or pulling an image.

    Raises:
        EngineError: when there is no engine, or the image cannot be had.
        HttpdNotFoundError: when the image has no httpd.
        MissingModuleError: when its httpd has no mod_ssl.
    """
    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.engine import connect
    from pytest_modssl.targets.images import image_for

    engine = connect()
    try:
        name = image_for(engine, image, say=say)
        target = ContainerTarget(engine, name, owner, start_seconds=start_seconds)
        try:
            target.installation.require({"ssl"})
        except MissingModuleError as error:
            with contextlib.suppress(EngineError):  # what is on its way says more
                target.close()
            raise MissingModuleError(f"image {name}: {error}") from None
    except BaseException:
        engine.close()
        raise
    return target
