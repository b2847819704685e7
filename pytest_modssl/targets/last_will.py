"""What is to be removed when this process dies in the moment between a container's creation and its start.

From its start on a container lives on a stream that its owner holds. Before, it has no process that could notice the
owner's death, and the engine knows no creation and start in one. For that moment a shell stands by, in a session of
its own: it reads names of containers from a pipe, each followed by an empty line when the container runs. A pipe that
ends after a name ends because its owner died, and the shell becomes this module, which removes that container.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import docker.errors

from pytest_modssl.errors import EngineError, WaitTimeoutError
from pytest_modssl.targets.engine import connect
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHELL = 'name=; while read -r line; do name=$line; done; [ -z "$name" ] || exec "$@" "$name"'
# An engine goes on creating a container for which nobody waits any more: 10 to 20 ms, a lot more under load.
_SECONDS = 5.0


class LastWill:
    """Names of containers that are just being made, left to a shell that outlives this process.

    Args:
        folder: where the shell runs; not one of the user's, which it would keep busy.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shell: subprocess.Popen[bytes] | None = None
        self._executing: list[subprocess.Popen[bytes]] = []

    @contextlib.contextmanager
    def names(self, container: str) -> Iterator[None]:
        """Within the block a container of that name is created and started; the block removes it where that fails.

        A block that is interrupted cannot know what the engine has made of it by then: the will is executed.
        """
        self._tell(container)
        try:
            yield
        except docker.errors.APIError:
            self._tell("")
            raise
        except BaseException:
            self._execute()
            raise
        self._tell("")

    def close(self) -> None:
        """Ends the shell, and waits for what is being removed."""
        if self._shell is not None:
            self._execute()
        for shell in self._executing:
            shell.wait()
        self._executing.clear()

    def _tell(self, line: str) -> None:
        if self._shell is None:
            self._shell = self._start()
        assert self._shell.stdin is not None
        # Where somebody has ended the shell, the next run removes what is left.
        with contextlib.suppress(BrokenPipeError):
            self._shell.stdin.write(f"{line}\n".encode())

    def _execute(self) -> None:
        """Ends the pipe, as this process's death would."""
        assert self._shell is not None
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._executing.append(self._shell)
        self._shell = None

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _SHELL, "sh", sys.executable, "-m", __name__],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            start_new_session=True,
        )


def execute(container: str) -> None:
    """Removes a container as soon as it is there; gives up after five seconds, as it may have ended by itself."""
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
    with contextlib.suppress(EngineError):  # nobody listens
        execute(sys.argv[1])
