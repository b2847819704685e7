"""`pytest-modssl serve`: a configuration that runs, for a browser or another client, until it is interrupted."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.cli.running import add_target, running, say
from pytest_modssl.errors import ConfigError, ServerGoneError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import FrameType
    from typing import NoReturn

    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.study import Study
    from pytest_modssl.targets.server import Server

# How often it is looked whether httpd still runs, and for new lines in its log.
_SECONDS = 0.5
# Virtual hosts that are told; of more, their number.
_SHOWN = 20
_EPILOG = """\
It listens on loopback alone. Names need no DNS: the curl lines connect by address, and the browser is told the address.
Ctrl-C ends it, and nothing is left; exit status 0 then, and 1 where the configuration does not start or httpd ends.
"""


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "serve",
        help="run a configuration, or a sample, for a browser or another client",
        description="Starts the configuration that FOLDER holds as `pytest --modssl` does, prints where its virtual "
        "hosts are and how to reach them, and shows what httpd logs from warnings on.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", nargs="?", metavar="FOLDER", type=Path, default=Path(), help="the repository (here)")
    parser.add_argument("--config", metavar="PATH", type=Path, help="the main file or fragment to run, from FOLDER")
    parser.add_argument("--sample", metavar="NAME", help="a sample repository instead of FOLDER: campus, museum, ...")
    add_target(parser, "whose httpd")
    parser.set_defaults(run=_serve)


def _samples() -> list[str]:
    from pytest_modssl._data import fixture

    return sorted(one.name for one in fixture("repos").iterdir() if one.is_dir())


def _serve(arguments: argparse.Namespace) -> int:
    found = _found(arguments)
    # Of SIGINT too: a shell has what it starts in the background ignore it.
    before = {one: signal.signal(one, _interrupt) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with running(arguments.target) as run:
            target = run.targets[0]
            study = run.study(target, found)
            if study.refused is not None:
                raise study.refused
            server = run.serve(target, study, "serve")
            sys.stdout.writelines(f"{line}\n" for line in _told(server, study))
            sys.stdout.flush()
            _wait(server)
    except KeyboardInterrupt:
        say("ended")
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _found(arguments: argparse.Namespace) -> Found:
    """The one configuration that is meant."""
    from pytest_modssl._data import fixture
    from pytest_modssl.repo.discover import discover

    if arguments.sample is not None and arguments.sample not in _samples():
        raise ConfigError(f"no sample is called {arguments.sample}; there are {', '.join(_samples())}")
    root = (arguments.folder if arguments.sample is None else fixture(f"repos/{arguments.sample}")).absolute()
    if not root.is_dir():
        raise ConfigError(f"{root} is no folder")
    found = discover(root, configs=[] if arguments.config is None else [arguments.config]).found
    if not found:
        raise ConfigError(f"{root} holds no configuration of httpd that could be run; name one with --config")
    if len(found) > 1:
        titles = ", ".join(one.title for one in found)
        raise ConfigError(f"{root} holds several configurations; name the one to run with --config: {titles}")
    return found[0]


def _told(server: Server, study: Study) -> Iterator[str]:
    from pytest_modssl.tls import shell_line

    yield f"{study.found.title} on {server.installation.id}"
    hosts = study.hosts
    for host in hosts[:_SHOWN]:
        also = f", also {', '.join(host.names[1:])}" if len(host.names) > 1 else ""
        yield f"\n{host.url}  at {_place(server, host)}{also}"
        yield f"    {shell_line(server.curl_command(host.url, client=study.client_for(host)))}"
    if len(hosts) > _SHOWN:
        yield f"\nand {len(hosts) - _SHOWN} more"
    yield ""
    if server.ca_file is not None:
        yield f"CA file: {server.ca_file}"
    rules = [
        "MAP {}:{} {}:{}".format(name, host.port, *server.address(host.reached))
        for host in hosts
        for name in host.names
    ]
    if len(rules) <= _SHOWN:
        yield f'browser: chromium --ignore-certificate-errors --host-resolver-rules="{", ".join(rules)}"'
    yield "Ctrl-C ends it."


def _place(server: Server, host: RepoHost) -> str:
    return "{}:{}".format(*server.address(host.reached))


def _wait(server: Server) -> NoReturn:
    """Shows what httpd logs, until the user interrupts.

    Raises:
        ServerGoneError: when httpd ends by itself.
    """
    from pytest_modssl.httpd.errorlog import SEVERITY

    told = 0
    while server.exit_status is None:
        records = server.log.records
        for record in records[told:]:
            if record.level is not None and SEVERITY[record.level] <= SEVERITY["warn"]:
                say(str(record))
        told = len(records)
        time.sleep(_SECONDS)
    raise ServerGoneError(f"httpd ended by itself, with status {server.exit_status}")
