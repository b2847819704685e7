"""What is to be removed when this process dies: its folder, and a container that is just being made.

A process that is killed runs no code of its own any more. So a shell stands by, in a session of its own, and reads from
a pipe that its owner holds. A pipe that ends before it said that all is done ends because the owner died, and the shell
becomes `executor`, which ends and removes what the owner's folder tells of, and that folder.

A server on this machine ends with its owner, and a container lives on a stream that its owner holds. But from its
creation to its start a container has no process that could notice the owner's death, and the engine knows no creation
and start in one. For that moment the shell is told the container's name, and then an empty line when it runs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from pytest_modssl.environment import environment
from pytest_modssl.forks import close_in_forked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_DONE = "."
_SHELL = f'name=; while read -r line; do name=$line; done; [ "$name" = {_DONE} ] || exec "$@" "$name"'


class LastWill:
    """A shell that outlives this process, and has executed what the process leaves behind.

    Args:
        folder: of this process, which need not be there yet; what is below it is removed. The shell runs beside it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._executing: list[subprocess.Popen[bytes]] = []
        shell = ["/bin/sh", "-c", _SHELL, "sh", *_executor(folder)]
        self._shell = self._start(shell, stdin=subprocess.PIPE)
        close_in_forked(self._pipe)

    @contextlib.contextmanager
    def names(self, container: str, *, refused: type[Exception]) -> Iterator[None]:
        """Within the block a container of that name is created and started; the block removes it where that fails.

        A block that is interrupted cannot know what the engine has made of it by then: it is removed from outside.

        Args:
            container: its name.
            refused: what the block raises where the engine has refused and the block has done the rest.
        """
        self._tell(container)
        try:
            yield
        except refused:
            raise
        except BaseException:
            self._executing.append(self._start(_executor(container=container), stdin=subprocess.DEVNULL))
            raise
        finally:
            self._tell("")

    def settle(self) -> None:
        """Waits until what was interrupted is removed."""
        for executor in self._executing:
            executor.wait()
        self._executing.clear()

    def close(self) -> None:
        """Ends the shell: this process has removed all by itself."""
        self.settle()
        self._tell(_DONE)
        self._pipe.close()
        self._shell.wait()

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._shell.stdin is not None
        return self._shell.stdin

    def _tell(self, line: str) -> None:
        # Where somebody has ended the shell, the next run removes what is left.
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(f"{line}\n".encode())

    def _start(self, command: Sequence[str], *, stdin: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            bufsize=0,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.parent,  # not one of the user's, which it would keep busy
            env={
                **environment("DOCKER_*", "SSH_*", "XDG_*", "PYTHON*"),
                "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            },
            start_new_session=True,
        )


def _executor(folder: Path | None = None, *, container: str | None = None) -> list[str]:
    """The command line of `executor`; the name of a container may follow."""
    command = [sys.executable, "-m", "pytest_modssl.targets.executor", "" if folder is None else str(folder)]
    return command if container is None else [*command, container]
