"""`pytest-modssl httpds`: the httpds in the user's cache, which need no installation, listed, fetched and removed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pytest_modssl import settings
from pytest_modssl.cli.declare import add_action, add_command, add_json, complete
from pytest_modssl.cli.output import say, write, write_json, write_table
from pytest_modssl.errors import FetchError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_modssl.httpds.store import KeptHttpd

_OF_RUN = [one.variable for one in (settings.OFFLINE, settings.DEBIAN_MIRROR, settings.DEBIAN_UNSIGNED)]


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "httpds",
        _list,
        short="list, fetch and remove the httpds that run without an installation",
        description="The httpds in this user's cache, which run without an installation, without root and without an "
        "engine. They are fetched when a test run needs them; this fetches them beforehand, shows them, and removes "
        "them. ACTION --help tells more of each.",
        examples={
            "httpds": "what the cache has, and what there is",
            "httpds fetch debian:trixie": "",
            "httpds remove debian:trixie": "",
        },
    )
    add_json(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    add_action(actions, "list", _list, short="show what the cache has (the default action)")
    fetching = add_action(
        actions,
        "fetch",
        _fetch,
        short="fetch an httpd, where it is not there yet, and print its folder",
        note=f"From the environment it takes what a test run has options for: {', '.join(_OF_RUN)}.",
    )
    name = fetching.add_argument(
        "name",
        nargs="?",
        default="debian",
        metavar="NAME",
        help="such as debian:trixie, source:2.4.69 (default: debian:trixie)",
    )
    complete(name, _choices)
    fetching.add_argument("--again", action="store_true", help="fetch it also where it is there, to have it up to date")
    removing = add_action(actions, "remove", _remove, short="remove httpds from the cache")
    names = removing.add_argument("names", nargs="*", metavar="NAME", help="name as `list` shows it, or target")
    complete(names, _kept_names)
    removing.add_argument("--all", action="store_true", help="remove every one of them")


def _choices() -> Iterator[str]:
    from pytest_modssl.httpds.kinds import KINDS

    return (f"{kind}:{choice}" for kind, one in KINDS.items() for choice in one.choices)


def _kept_names() -> Iterator[str]:
    from pytest_modssl.httpds.store import kept_httpds

    return (one.name for one in kept_httpds())


def _list(arguments: argparse.Namespace) -> int:
    from pytest_modssl.httpds.kinds import KINDS
    from pytest_modssl.httpds.store import kept_httpds

    kept = kept_httpds()
    if arguments.json:
        write_json({"httpds": [_data(one) for one in kept], "available": list(_choices())})
        return 0
    if kept:
        rows = [("NAME", "HTTPD", "OPENSSL", "SIZE", "MADE (UTC)", "FOLDER")]
        for one in kept:
            made = one.made.strftime("%Y-%m-%d %H:%M")
            rows.append((one.name, one.httpd, one.openssl, _megabytes(one.size), made, str(one.folder)))
        if len(kept) > 1:
            rows.append(("", "", "", _megabytes(sum(one.size for one in kept)), "", "in all"))
        write_table(rows)
    else:
        write("No httpds in the cache. Fetch the default one with: pytest-modssl httpds fetch")
    write(*(f"There are {word}:{', '.join(kind.choices)} (httpd {kind.what})." for word, kind in KINDS.items()))
    return 0


def _data(one: KeptHttpd) -> dict[str, Any]:
    return {
        "name": one.name,
        "target": one.target,
        "httpd": one.httpd,
        "openssl": one.openssl,
        "bytes": one.size,
        "made": one.made.isoformat(),
        "folder": str(one.folder),
    }


def _fetch(arguments: argparse.Namespace) -> int:
    from pytest_modssl.httpds import kinds
    from pytest_modssl.httpds.wishes import Wishes
    from pytest_modssl.progress import in_lines

    try:
        given = settings.resolve({}, os.environ, {})
    except settings.SettingError as error:
        raise FetchError(str(error)) from None
    wishes = Wishes(
        say=in_lines(say),
        offline=given.offline.value,
        again=arguments.again,
        mirrors=given.debian_mirror.value,
        unsigned=given.debian_unsigned.value,
    )
    found = kinds.get(arguments.name, wishes)
    if arguments.json:
        write_json(_data(found))
    else:
        write(str(found.folder))
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from pytest_modssl.httpds.store import kept_httpds, remove

    if bool(arguments.names) == arguments.all:
        arguments.usage.error("name the httpds to remove, or --all")
    kept = kept_httpds()
    unknown = [name for name in arguments.names if not any(name in {one.name, one.target} for one in kept)]
    if unknown:
        raise FetchError(f"no httpd in the cache is called {', '.join(unknown)}; see: pytest-modssl httpds list")
    chosen = [one for one in kept if arguments.all or {one.name, one.target} & {*arguments.names}]
    for one in chosen:
        remove(one)
        if not arguments.json:
            write(f"removed {one.name} ({_megabytes(one.size)})")
    if arguments.json:
        write_json({"removed": [_data(one) for one in chosen]})
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
