"""A container engine of a test's own: a second `dockerd` on a TCP port, with folders and a network of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pytest_modssl.errors import EngineError
from pytest_modssl.targets.engine import connect
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.engine import Engine

# It starts in 1 to 2 s.
_SECONDS = 30.0


def obstacle() -> str | None:
    """Why no engine can be started here; `None` where it can."""
    missing = [name for name in ("dockerd", "ip") if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "only root can start a container engine"
    return f"{', '.join(missing)} is not installed" if missing else None


class EngineProcess:
    """A running `dockerd`; it publishes ports by its proxy alone, and leaves the machine's packet filter as it is."""

    def __init__(self) -> None:
        name = f"modssl{uuid.uuid4().hex[:6]}"
        self._bridge = name
        self._folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/var/tmp"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"tcp://127.0.0.1:{self._port}"
        subprocess.run(["ip", "link", "add", self._bridge, "type", "bridge"], check=True)
        try:
            network = f"172.31.{self._port % 256}.1/24"
            subprocess.run(["ip", "address", "add", network, "dev", self._bridge], check=True)
            subprocess.run(["ip", "link", "set", self._bridge, "up"], check=True)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Starts it; it answers when this returns."""
        options = {
            "data-root": self._folder / "data",
            "exec-root": self._folder / "exec",
            "pidfile": self._folder / "pid",
            "host": self.url,
            "tls": "false",
            "bridge": self._bridge,
            "iptables": "false",
            "ip6tables": "false",
            "ip-forward": "false",
            "ip-masq": "false",
            "exec-opt": "native.cgroupdriver=cgroupfs",
            "cgroup-parent": f"/{self._bridge}",
        }
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", *(f"--{key}={value}" for key, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "TMPDIR": str(self._folder)},  # not one of a single test
            )
        until(self._answers, seconds=_SECONDS, what=f"dockerd, which wrote to {log.name}")

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            connect({"DOCKER_HOST": self.url}).close()
        except EngineError:
            return False
        return True

    @property
    def pid(self) -> int:
        """Process id of `dockerd`, which may be killed or stopped: `revive` puts it right."""
        return self._process.pid

    def revive(self) -> None:
        """Lets it go on where it was stopped; starts it again where it has ended, and nothing of it is left then."""
        self._process.send_signal(signal.SIGCONT)
        if self._process.poll() is not None:
            self._end_rest()
            self.start()

    def close(self) -> None:
        """Ends it with all that it started, and removes its folders and its network."""
        if hasattr(self, "_process"):
            self._process.kill()
            self._process.wait(_SECONDS)
        self._end_rest()
        shutil.rmtree(self._folder)
        for parent in Path("/sys/fs/cgroup").glob(f"**/{self._bridge}"):
            for group in sorted(parent.glob("**/"), reverse=True):
                group.rmdir()
        subprocess.run(["ip", "link", "delete", self._bridge], check=True)

    def _end_rest(self) -> None:
        """Ends what is left of one that was killed.

        Its folder stands in the command line of everything but containers' own processes, which are children of those.
        """
        for process in list(self._left()):
            for one in (*process.children(recursive=True), process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        until(lambda: not list(self._left()), seconds=_SECONDS, what="the end of what the engine started")
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if f" {self._folder}/" in line:
                subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
        # Its process ids are not to be taken for running ones: whose parent is gone may stay a zombie.
        shutil.rmtree(self._folder / "exec", ignore_errors=True)

    def _left(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self._folder) in argument for argument in process.info["cmdline"] or ()):
                yield process


def copy_image(name: str, source: Engine, target: Engine) -> None:
    """Copies an image, with its name, from one engine to another."""
    client = source.client.api
    with tempfile.TemporaryFile() as archive:
        for part in client.get_image(name):
            archive.write(part)
        archive.seek(0)
        target.client.images.load(archive)
