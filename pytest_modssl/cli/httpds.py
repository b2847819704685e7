"""`pytest-modssl httpds`: the httpds in the user's cache, which need no installation, listed, fetched and removed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pytest_modssl import settings
from pytest_modssl.errors import FetchError

if TYPE_CHECKING:
    import argparse

_OF_RUNS = (settings.DEBIAN_MIRROR, settings.DEBIAN_UNSIGNED)


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "httpds",
        help="list, fetch and remove the httpds that run without an installation",
        description="The httpds in this user's cache, which run without an installation, without root and without an "
        "engine. They are fetched when a test run needs them; this fetches them beforehand, shows them, and removes "
        "them.",
    )
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    listing = actions.add_parser("list", help="show what the cache has (the default action)")
    listing.set_defaults(run=_list)
    fetching = actions.add_parser(
        "fetch",
        help="fetch an httpd, where it is not there yet",
        epilog="the options that `pytest --modssl-debian-...` has are taken from the environment here: "
        + ", ".join(f"{one.variable} ({one.help})" for one in _OF_RUNS),
    )
    fetching.add_argument(
        "name", nargs="?", default="debian", help="such as debian:trixie, source:2.4.69 (default: debian:trixie)"
    )
    fetching.add_argument("--again", action="store_true", help="fetch it also where it is there, to have it up to date")
    fetching.set_defaults(run=_fetch)
    removing = actions.add_parser("remove", help="remove httpds from the cache")
    removing.add_argument("names", nargs="*", metavar="NAME", help="name as `list` shows it, or target")
    removing.add_argument("--all", action="store_true", help="remove every one of them")
    removing.set_defaults(run=_remove, usage=removing)


def _list(_: argparse.Namespace) -> int:
    from pytest_modssl.httpds.kinds import KINDS
    from pytest_modssl.httpds.store import kept_httpds

    kept = kept_httpds()
    if not kept:
        sys.stdout.write("No httpds in the cache. Fetch the default one with: pytest-modssl httpds fetch\n")
    rows = [("NAME", "HTTPD", "OPENSSL", "SIZE", "MADE (UTC)", "FOLDER")] if kept else []
    for one in kept:
        made = one.made.strftime("%Y-%m-%d %H:%M")
        rows.append((one.name, one.httpd, one.openssl, _megabytes(one.size), made, str(one.folder)))
    if len(kept) > 1:
        rows.append(("", "", "", _megabytes(sum(one.size for one in kept)), "", "in all"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")
    for word, kind in KINDS.items():
        sys.stdout.write(f"There are {word}:{', '.join(kind.choices)} (httpd {kind.what}).\n")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from pytest_modssl.httpds import kinds
    from pytest_modssl.httpds.wishes import Wishes
    from pytest_modssl.progress import in_lines

    try:
        given = settings.resolve({}, os.environ, {})
    except settings.SettingError as error:
        raise FetchError(str(error)) from None
    wishes = Wishes(
        say=in_lines(_say),
        offline=given.offline.value,
        again=arguments.again,
        mirrors=given.debian_mirror.value,
        unsigned=given.debian_unsigned.value,
    )
    sys.stdout.write(f"{kinds.get(arguments.name, wishes).folder}\n")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from pytest_modssl.httpds.store import kept_httpds, remove

    if bool(arguments.names) == arguments.all:
        arguments.usage.error("name the httpds to remove, or --all")
    kept = kept_httpds()
    unknown = [name for name in arguments.names if not any(name in {one.name, one.target} for one in kept)]
    if unknown:
        raise FetchError(f"no httpd in the cache is called {', '.join(unknown)}; see: pytest-modssl httpds list")
    for one in kept:
        if arguments.all or {one.name, one.target} & {*arguments.names}:
            remove(one)
            sys.stdout.write(f"removed {one.name} ({_megabytes(one.size)})\n")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
