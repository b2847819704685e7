"""`pytest-modssl images`: the project's own images in the container engine, listed, built and removed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from pytest_modssl.cli.declare import add_action, add_command, add_json, complete
from pytest_modssl.cli.output import say, write, write_json, write_table
from pytest_modssl.errors import EngineError

if TYPE_CHECKING:
    import argparse

    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.images import OwnImage

_DEFAULT = "modssl/debian:bookworm"


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "images",
        _list,
        short="list, build and remove the project's own container images",
        description="The project's own images in the container engine (DOCKER_HOST, or docker's context). They are "
        "built when a test run needs them; this builds them beforehand, shows them, and removes them. ACTION --help "
        "tells more of each.",
        examples={
            "images": "what the engine has",
            "images build modssl/debian:trixie": "",
            "images remove --all": "",
        },
    )
    add_json(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    add_action(actions, "list", _list, short="show what the engine has (the default action)")
    building = add_action(
        actions, "build", _build, short="build an image, where it is not there yet, and print its tag"
    )
    name = building.add_argument(
        "name",
        nargs="?",
        default=_DEFAULT,
        metavar="NAME",
        help=f"modssl/debian:SUITE, modssl/source:VERSION or modssl/legacy:VERSION (default: {_DEFAULT})",
    )
    complete(name, _choices)
    building.add_argument("--again", action="store_true", help="build it also where it is there")
    removing = add_action(
        actions, "remove", _remove, short="remove images that pytest-modssl built; others are left alone"
    )
    names = removing.add_argument("names", nargs="*", metavar="NAME", help="name or tag as `list` shows it")
    complete(names, tuple)
    removing.add_argument("--all", action="store_true", help="remove every one of them, bases included")


def _choices() -> tuple[str, ...]:
    from pytest_modssl.targets.recipes import names

    return names()


def _connect() -> closing[Engine]:
    from pytest_modssl.targets.engine import connect

    return closing(connect())


def _list(arguments: argparse.Namespace) -> int:
    from pytest_modssl.targets.images import own_images

    with _connect() as engine:
        images = own_images(engine)
        description = engine.description
    if arguments.json:
        write_json({"engine": description, "images": [_data(one) for one in images]})
        return 0
    write(description)
    if not images:
        write("No images of pytest-modssl. Build the default one with: pytest-modssl images build")
        return 0
    rows = [("NAME", "TAG", "SIZE", "BUILT (UTC)", "")]
    for image in images:
        built = image.created.strftime("%Y-%m-%d %H:%M")
        rows.append((image.name, image.tag, f"{image.size / 1e6:.0f} MB", built, "" if image.current else "outdated"))
    write_table(rows)
    return 0


def _data(image: OwnImage) -> dict[str, Any]:
    return {
        "name": image.name,
        "tag": image.tag,
        "bytes": image.size,
        "built": image.created.isoformat(),
        "current": image.current,
    }


def _build(arguments: argparse.Namespace) -> int:
    from pytest_modssl.progress import in_lines
    from pytest_modssl.targets.images import image_for, own_images
    from pytest_modssl.targets.recipes import recipe_for

    if recipe_for(arguments.name) is None:
        raise EngineError(
            f"{arguments.name} is not one of the project's own images; docker pulls others", reason="no-image"
        )
    with _connect() as engine:
        tag = image_for(engine, arguments.name, say=in_lines(say), again=arguments.again)
        if arguments.json:
            (image,) = (one for one in own_images(engine) if one.tag == tag)
            write_json(_data(image))
        else:
            write(tag)
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from pytest_modssl.targets.images import own_images, remove

    if bool(arguments.names) == arguments.all:
        arguments.usage.error("name the images to remove, or --all")
    with _connect() as engine:
        images = own_images(engine)
        unknown = [name for name in arguments.names if not any(name in {image.name, image.tag} for image in images)]
        if unknown:
            raise EngineError(
                f"no image of pytest-modssl is called {', '.join(unknown)}; see: pytest-modssl images list",
                reason="no-image",
            )
        # What others are built on comes last: an image with children only loses its name.
        chosen = [one for one in images if arguments.all or {one.name, one.tag} & {*arguments.names}]
        chosen.sort(key=lambda one: one.name.startswith("modssl/base:"))
        for image in chosen:
            remove(engine, image.tag)
            if not arguments.json:
                write(f"removed {image.tag}")
    if arguments.json:
        write_json({"removed": [_data(one) for one in chosen]})
    return 0
