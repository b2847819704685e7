"""One run's servers: its targets, their pools, and its place in the registry. Knows no pytest."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslError
from pytest_modssl.httpd.installation import find_httpd, probe_installation
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.pool import Pool
from pytest_modssl.targets.registry import Owner, default_base, end_run, sweep

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pytest_modssl.settings import Settings
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server


class Run:
    """Everything that a run started, or will start when it is asked for.

    Args:
        settings: what the run was asked to do.
        name: name of the run, shared by the controller and its workers.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.name = name
        self._pools: dict[str, Pool] = {}

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the run, each of which can start a server.

        Raises:
            ModsslError: when one cannot be had, with what to install.
        """
        targets = [self._target(name) for name in self.settings.targets.value]
        taken: set[str] = set()
        for name, target in zip(self.settings.targets.value, targets, strict=True):
            if target.id in taken:
                raise ModsslError(f"target {name} is the same httpd as another target of this run ({target.id})")
            taken.add(target.id)
        return tuple(targets)

    def _target(self, name: str) -> Target:
        _, _, path = name.partition(":")
        installation = probe_installation(find_httpd(path or None))
        installation.require({"ssl"})
        return LocalTarget(installation, self._owner, start_seconds=self.settings.start_timeout.value)

    @cached_property
    def _owner(self) -> Owner:
        return Owner(self.name)

    def pool(self, target: Target) -> Pool:
        """The running servers of a target in this process."""
        return self._pools.setdefault(target.id, Pool(target))

    @property
    def servers(self) -> Sequence[Server]:
        """Every running server of this process."""
        return [server for pool in self._pools.values() for server in pool.servers]

    def release(self, holder: Hashable) -> None:
        """Ends every hold that `holder` has on a server."""
        for pool in self._pools.values():
            pool.release(holder)

    def begin(self) -> None:
        """Removes what earlier runs left that can no longer do so themselves."""
        sweep(default_base())

    def close(self) -> None:
        """Ends every server of this process and removes its files."""
        for pool in self._pools.values():
            pool.close()
            pool.target.close()
        self._pools.clear()
        if "_owner" in self.__dict__:
            self._owner.close()
            del self.__dict__["_owner"]

    def end(self) -> None:
        """Removes what workers of this run left; for the controller, when they have ended."""
        end_run(self.name, default_base())
