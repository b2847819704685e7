"""What both sides of every measurement run on: one httpd, one configuration, and a folder for it all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bare
from pytest_modssl import CA, ServerConfig, VirtualHost
from pytest_modssl.httpd.installation import find_httpd, probe_installation
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run, remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "www.example.test"


class NotMeasured(Exception):  # noqa: N818 - not an error: the other parts go on
    """A part cannot be measured here; says why."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The place of one run.

    Args:
        folder: for whatever a measurement writes.
        target: ours.
        ca: that all certificates come from.
        template: for the peer: the same files that ours runs on.
    """

    folder: Path
    target: LocalTarget
    ca: CA
    template: bare.Template

    def config(self) -> ServerConfig:
        """A configuration like no other: its certificate is new."""
        return ServerConfig(VirtualHost(NAME, tls=self.ca.issue(NAME)))


@contextlib.contextmanager
def opened() -> Iterator[Bench]:
    """The place, until the end of the block."""
    # Searchable by all, as httpd's children of another user must get in.
    folder = Path(tempfile.mkdtemp(prefix="modssl-bench-"))
    folder.chmod(0o755)
    owner = Owner(new_run())
    try:
        target = LocalTarget(probe_installation(find_httpd()), owner, start_seconds=20)
        ca = CA()
        yield Bench(folder, target, ca, _template(target, ca, folder / "template"))
    finally:
        owner.close()
        remove_folder(folder)


def _template(target: LocalTarget, ca: CA, folder: Path) -> bare.Template:
    """What our target writes and starts, taken from a server of ours while it runs."""
    server = target.launch(ServerConfig(VirtualHost(NAME, tls=ca.issue(NAME))))
    try:
        files = server.instance.folder
        address, port = server.address()
        rendered = server.instance.rendered
        for name in rendered.folders:
            (folder / name).mkdir(mode=0o755, parents=True, exist_ok=True)
        for name, (content, mode) in rendered.files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(mode)
        main = folder / "httpd.conf"
        main.write_text(main.read_text().replace(str(files), str(folder)))
        run = (files / "run").stat()
        (folder / "run").chmod(0o755)
        shutil.chown(folder / "run", run.st_uid, run.st_gid)
    finally:
        server.stop()
    return bare.Template(str(target.installation.binary), str(folder), address, port, NAME)
