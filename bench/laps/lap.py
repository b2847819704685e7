"""What every lap does around its peer; with nothing but the standard library, as it runs in the peer's environment."""

from __future__ import annotations

import json
import os
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bare

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Job:
    """A lap to make.

    Args:
        image: that the container runs.
        folder: of this machine, to be mounted.
        root: where in the container.
        command: that runs httpd, without what it is to do.
        name: of the virtual host.
        ca: root certificate (PEM).
        following: certificate and key (PEM) to change to.
        result: file for the moments.
    """

    image: str
    folder: str
    root: str
    command: list[str]
    name: str
    ca: str
    following: tuple[str, str]
    result: str
    moments: list[float] = field(default_factory=list)

    def mark(self) -> None:
        """Notes a moment: before start, after it, after the change, after the stop."""
        self.moments.append(time.perf_counter())

    def started(self, address: tuple[str, int], run: Callable[[list[str]], object]) -> None:
        """Goes on from a started container to the end of the change.

        Args:
            address: where port 443 is published.
            run: runs a command in the container.
        """
        client = bare.context(self.ca.encode())
        bare.first_handshake(address, client, self.name)
        self.mark()
        certificate, key = self.following
        bare.Laid(Path(self.folder), address).replace(certificate.encode(), key.encode())
        run([*self.command, "-k", "restart"])
        bare.first_handshake(address, client, self.name, shows=ssl.PEM_cert_to_DER_cert(certificate))
        self.mark()

    def stopped(self) -> None:
        """The end, after which the result is told."""
        self.mark()
        Path(self.result).write_text(json.dumps(self.moments))


def job() -> Job:
    return Job(**json.loads(os.environ["BENCH_JOB"]))
