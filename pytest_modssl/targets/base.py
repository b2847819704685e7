"""What a target is: a place where a server can run. Each kind is a module beside this one."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq import Evidence
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered
    from pytest_modssl.targets.server import Server


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration written out where servers run, to be looked at by the httpd that is to serve it, or does.

    Attributes:
        config: the configuration.
        installation: that httpd; it runs commands where the files are.
        rendered: the files.
    """

    config: Configuration
    installation: Installation
    rendered: Rendered

    @property
    def root(self) -> str:
        """ServerRoot, as that httpd sees it."""
        return str(PurePosixPath(self.rendered.main).parent)

    def evidence(self, *, mismatches: Sequence[Mismatch] = ()) -> Evidence:
        """What is known of it without a start, and what an assertion found."""
        from pytest_modssl.faq import Evidence, Start
        from pytest_modssl.httpd.dumps import effective_config

        return Evidence(
            installation=self.installation,
            config=self.config,
            rendered=self.rendered,
            start=Start(ready=False),
            mismatches=tuple(mismatches),
            dump=functools.partial(effective_config, self.installation, self.rendered.main),
        )


class Instance(Protocol):
    """One started httpd, wherever it runs: what `Server` needs of it."""

    @property
    def rendered(self) -> Rendered:
        """The files it runs on."""
        ...

    @property
    def folder(self) -> Path:
        """Folder on this machine for what belongs to the server: its logs are in `logs/` below it."""
        ...

    @property
    def exit_status(self) -> int | None:
        """Exit status of httpd's parent process, negative for a signal; `None` while it runs."""
        ...

    def address(self, port: int) -> tuple[str, int] | None:
        """Where a port of the configuration is reached from this machine; `None` for one that is not listened on."""
        ...

    def dump(self) -> tuple[DumpedDirective, ...]:
        """Its effective configuration, as httpd itself tells it where the files are (`httpd.dumps.effective_config`).

        Raises:
            ModsslError: when it cannot be had.
        """
        ...

    def mode(self, path: str) -> int | None:
        """Type and permission bits (`st_mode`) of a file, by its path as httpd sees it; `None` where there is none."""
        ...

    def content(self, path: str) -> bytes | None:
        """Content of a file, by its path as httpd sees it; `None` where there is none that may be read."""
        ...

    def cpu_seconds(self) -> float | None:
        """Seconds of CPU that all processes of this httpd have spent so far; `None` where that cannot be had."""
        ...

    def settle(self) -> frozenset[str] | None:
        """The clients (`address:port`, as the log names them) whose connections are still open.

        Waits until the server has dealt with every connection that its clients have closed, half a second at the most:
        all but its last lines about them are in the log then. `None` where open connections cannot be told.
        """
        ...

    @property
    def lost(self) -> Sequence[str]:
        """Children of httpd that have ended since its start, in words, as far as `settle` has seen it; else empty."""
        ...

    def reload(self, config: Configuration) -> None:
        """Makes the running server serve another configuration on the same ports, and returns when it does.

        Raises:
            StartError: when httpd refuses it; the server is gone then.
        """
        ...

    def begin_stop(self) -> None:
        """Asks the server to end, without waiting."""
        ...

    def finish_stop(self) -> None:
        """Waits for the end after `begin_stop`, by force where need be, and removes all that belonged to the server."""
        ...


class Listener(Protocol):
    """What is told of all that is seen of servers."""

    def __call__(self, server: Server, observation: object, of: tuple[str, int] | None = None, /) -> None:
        """Takes an observation; see `Server.tell`."""
        ...


class Target(Protocol):
    """A place where servers run."""

    @property
    def id(self) -> str:
        """Short, shell-safe name for test ids, for example `httpd2.4.71-openssl3.0.22`."""
        ...

    @property
    def description(self) -> str:
        """One line for the header of a run: what it is and where."""
        ...

    @property
    def installation(self) -> Installation:
        """The httpd of this target."""
        ...

    @property
    def idle(self) -> int:
        """How many servers that nobody holds are kept for the next test that has their configuration."""
        ...

    def check(self, config: Configuration) -> None:
        """Returns when httpd accepts the configuration's syntax (`httpd -t`); starts nothing.

        Raises:
            StartError: with httpd's message at the user's own file and line.
        """
        ...

    def prepared(self, config: Configuration) -> AbstractContextManager[Prepared]:
        """The configuration written out, for as long as the context lasts; starts nothing."""
        ...

    def launch(self, config: Configuration, *, single_process: bool = False) -> Server:
        """A running server for the configuration, ready on every port.

        Args:
            config: what to serve.
            single_process: run httpd as one process (`httpd -X`), for a debugger.

        Raises:
            StartError: when httpd refuses the configuration or ends before it is ready.
            MissingModuleError: when the httpd lacks a module that the configuration needs.
        """
        ...

    def close(self) -> None:
        """Removes what the target itself made; its servers have been stopped by then.

        Raises:
            EngineError: when that cannot be known, as the target's engine is gone.
        """
        ...

    def abandon(self) -> None:
        """Ends every server at once and does not wait, and so every one that is started later; for any thread."""
        ...

    def clean_up(self, run: str | None) -> None:
        """Removes what owners that are dead left on this target beyond their folders.

        Args:
            run: name of the run to clean up after; `None` for every run.

        Raises:
            EngineError: likewise.
        """
        ...
