"""Removes what a process has left that died: the program that its last will (`last_will`) starts.

    python -m pytest_modssl.targets.executor FOLDER CONTAINER

FOLDER is that of the dead owner, CONTAINER the name of the one that it was just making; either may be empty.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from pytest_modssl.errors import EngineError, ModsslError, WaitTimeoutError
from pytest_modssl.targets.registry import bury
from pytest_modssl.wait import until

# An engine goes on creating a container for which nobody waits any more: 10 to 20 ms, a lot more under load.
_SECONDS = 5.0


def execute(folder: str, container: str) -> None:
    """Removes the folder and what it tells of; then a container, as soon as it is there.

    Nobody listens: what fails is left to the next run.
    """
    if folder:
        with contextlib.suppress(ModsslError, OSError):
            bury(Path(folder))
    if container:
        with contextlib.suppress(EngineError):
            _remove(container)


def _remove(container: str) -> None:
    """Gives up after five seconds, as it may have ended by itself."""
    # Not needed for servers of this machine, and dear.
    import docker.errors  # noqa: PLC0415

    from pytest_modssl.targets.engine import connect  # noqa: PLC0415

    with contextlib.closing(connect()) as engine:

        def removed() -> bool:
            try:
                engine.client.api.remove_container(container, force=True, v=True)
            except docker.errors.APIError:
                return False
            return True

        with contextlib.suppress(WaitTimeoutError):
            until(removed, seconds=_SECONDS, what="")


if __name__ == "__main__":
    execute(*sys.argv[1:])
