"""`pytest-modssl serve`: a configuration that runs, for a browser or another client, until it is interrupted."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modssl.cli.declare import add_command, add_json, add_target, complete
from pytest_modssl.cli.output import say, write, write_json
from pytest_modssl.cli.running import running
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


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "serve",
        _serve,
        short="run a configuration, or a sample, for a browser or another client",
        description="Starts the configuration that FOLDER holds as `pytest --modssl` does, prints where its virtual "
        "hosts are and how to reach them, and shows what httpd logs from warnings on.",
        examples={
            "serve": "the configuration in this folder",
            "serve infra --config httpd/site.conf": "",
            "serve --sample museum": "",
            "serve --json": "one line of JSON when it is ready, for a script that waits",
        },
        note="It listens on loopback alone. Names need no DNS: the curl lines connect by address, and the browser is "
        "told the address. Ctrl-C ends it, and nothing is left.",
    )
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", type=Path, default=Path(), help="the repository (default: this folder)"
    )
    parser.add_argument("--config", metavar="PATH", type=Path, help="the main file or fragment to run, from FOLDER")
    sample = parser.add_argument(
        "--sample", metavar="NAME", help=f"a sample instead of FOLDER: {', '.join(_samples())}"
    )
    complete(sample, _samples)
    add_target(parser, "whose httpd")
    add_json(parser, "when it is ready, print one line that is a JSON document (its keys: docs/command-line.md)")


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
            if arguments.json:
                write_json(_data(server, study), lines=False)
            else:
                write(*_told(server, study))
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
    rules = _rules(server, study)
    if len(rules) <= _SHOWN:
        yield f'browser: chromium --ignore-certificate-errors --host-resolver-rules="{", ".join(rules)}"'
    yield "Ctrl-C ends it."


def _data(server: Server, study: Study) -> dict[str, Any]:
    return {
        "title": study.found.title,
        "httpd": server.installation.id,
        "process": os.getpid(),
        "ca_file": None if server.ca_file is None else str(server.ca_file),
        "hosts": [
            {
                "url": host.url,
                "names": list(host.names),
                "address": list(server.address(host.reached)),
                "curl": server.curl_command(host.url, client=study.client_for(host)),
            }
            for host in study.hosts
        ],
        "host_resolver_rules": _rules(server, study),
    }


def _rules(server: Server, study: Study) -> list[str]:
    """Where a browser finds each name, as Chromium takes it."""
    return [
        "MAP {}:{} {}:{}".format(name, host.port, *server.address(host.reached))
        for host in study.hosts
        for name in host.names
    ]


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
