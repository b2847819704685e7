"""`pytest-modssl images`: the project's own images in the container engine, listed, built and removed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_modssl.errors import EngineError

if TYPE_CHECKING:
    import argparse

    from pytest_modssl.targets.engine import Engine

_DEFAULT = "modssl/debian:bookworm"


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "images",
        help="list, build and remove the project's own container images",
        description="The project's own images in the container engine (DOCKER_HOST, or docker's context). They are "
        "built when a test run needs them; this builds them beforehand, shows them, and removes them.",
    )
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    listing = actions.add_parser("list", help="show what the engine has (the default action)")
    listing.set_defaults(run=_list)
    building = actions.add_parser("build", help="build an image, where it is not there yet")
    building.add_argument(
        "name",
        nargs="?",
        default=_DEFAULT,
        help=f"modssl/debian:SUITE, modssl/source:VERSION or modssl/legacy:VERSION (default: {_DEFAULT})",
    )
    building.add_argument("--again", action="store_true", help="build it also where it is there")
    building.set_defaults(run=_build)
    removing = actions.add_parser("remove", help="remove images that pytest-modssl built; others are left alone")
    removing.add_argument("names", nargs="*", metavar="NAME", help="name or tag as `list` shows it")
    removing.add_argument("--all", action="store_true", help="remove every one of them, bases included")
    removing.set_defaults(run=_remove, usage=removing)


def _connect() -> Engine:
    from pytest_modssl.targets.engine import connect

    return connect()


def _list(_: argparse.Namespace) -> int:
    from pytest_modssl.targets.images import own_images

    engine = _connect()
    try:
        images = own_images(engine)
        sys.stdout.write(f"{engine.description}\n")
    finally:
        engine.close()
    if not images:
        sys.stdout.write("No images of pytest-modssl. Build the default one with: pytest-modssl images build\n")
        return 0
    rows = [("NAME", "TAG", "SIZE", "BUILT (UTC)", "")]
    for image in images:
        built = image.created.strftime("%Y-%m-%d %H:%M")
        rows.append((image.name, image.tag, f"{image.size / 1e6:.0f} MB", built, "" if image.current else "outdated"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")
    return 0


def _build(arguments: argparse.Namespace) -> int:
    from pytest_modssl.progress import in_lines
    from pytest_modssl.targets.images import image_for
    from pytest_modssl.targets.recipes import recipe_for

    if recipe_for(arguments.name) is None:
        raise EngineError(
            f"{arguments.name} is not one of the project's own images; docker pulls others", reason="no-image"
        )
    engine = _connect()
    try:
        tag = image_for(engine, arguments.name, say=in_lines(_say), again=arguments.again)
    finally:
        engine.close()
    sys.stdout.write(f"{tag}\n")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from pytest_modssl.targets.images import own_images, remove

    if bool(arguments.names) == arguments.all:
        arguments.usage.error("name the images to remove, or --all")
    engine = _connect()
    try:
        images = own_images(engine)
        unknown = [name for name in arguments.names if not any(name in {image.name, image.tag} for image in images)]
        if unknown:
            raise EngineError(
                f"no image of pytest-modssl is called {', '.join(unknown)}; see: pytest-modssl images list",
                reason="no-image",
            )
        # What others are built on comes last: an image with children only loses its name.
        chosen = [one for one in images if arguments.all or {one.name, one.tag} & {*arguments.names}]
        for image in sorted(chosen, key=lambda one: one.name.startswith("modssl/base:")):
            remove(engine, image.tag)
            sys.stdout.write(f"removed {image.tag}\n")
    finally:
        engine.close()
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
