"""Peers that run servers in containers: each starts, changes and stops one of the same image with the same files.

A peer that is a package of Python runs in its own environment, in a process a lap that measures itself: `bench/laps`.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from bench import bare
from bench import peers as installed
from bench.place import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.place import Bench
    from pytest_modssl import LeafCert
    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.engine import Engine

_ROOT = Path(__file__).parents[1]
_LAPS = _ROOT / "bench/laps"
# How each package's lap is run, by the Python of its environment.
_PACKAGES = {
    "testcontainers": ["-m", "bench.laps.with_testcontainers"],
    # Its containers are fixtures: a lap is a test. Nothing of this project's own settings is meant for it.
    "pytest-docker-tools": [
        *("-m", "pytest", "-qx", "-c", os.devnull, "--noconftest", "-pno:cacheprovider"),
        str(_LAPS / "with_pytest_docker_tools.py"),
    ],
    "pytest-container": ["-m", "bench.laps.with_pytest_container"],
}


@dataclass(frozen=True, slots=True)
class Files:
    """What a server in a container is made of.

    Args:
        root: the folder in the container.
        folders: in it, with their modes.
        files: in it, with contents and modes.
        command: that runs httpd, without what it is to do.
    """

    root: str
    folders: Mapping[str, int]
    files: Mapping[str, tuple[bytes, int]]
    command: list[str]

    def write(self, folder: Path, leaf: LeafCert) -> None:
        """All of it, in a folder of this machine."""
        for name, mode in self.folders.items():
            (folder / name).mkdir(parents=True)
            (folder / name).chmod(mode)
        for name, (content, mode) in self.files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(mode)
        (folder / "tls/0-0.crt").write_bytes(leaf.cert_file_pem.bytes())
        (folder / "tls/0-0.key").write_bytes(leaf.key_file_pem.bytes())

    def archive(self, leaf: LeafCert) -> bytes:
        """All of it, in an archive to be unpacked at the parent of `root`."""
        name = Path(self.root).name
        members: dict[str, tuple[bytes | None, int]] = {one: (None, mode) for one, mode in self.folders.items()}
        members |= {**self.files, **_pair(leaf)}
        return packed({f"{name}/{one}".rstrip("/"): file for one, file in members.items()})


@dataclass(frozen=True, slots=True)
class Peers:
    """Laps by who makes them, and why others make none."""

    laps: Mapping[str, Callable[[], Sequence[float]]]
    missing: Mapping[str, str]


def template(bench: Bench, target: ContainerTarget) -> Files:
    """What our target copies into a container and starts there, taken from a server of ours."""
    server = target.launch(bench.config())
    rendered, folder = server.instance.rendered, server.instance.folder.name
    root = f"/modssl/{folder}"
    # As a container's own child of PID 1 it writes to the container's output; httpd -k has none.
    folders = {"": 0o755, "logs": 0o1777}
    folders |= {name: 0o1777 if name in rendered.writable else 0o755 for name in rendered.folders}
    command = [str(target.installation.binary), "-d", root, "-f", f"{root}/httpd.conf"]
    server.stop()
    return Files(root, folders, rendered.files, command)


def peers(bench: Bench, engine: Engine, image: str, files: Files) -> Peers:
    """The engine's client library alone, and every package that is installed."""
    laps: dict[str, Callable[[], Sequence[float]]] = {}
    missing: dict[str, str] = {}
    laps["bare container, by docker's client library"] = lambda: by_hand(bench, engine, image, files)
    numbers = itertools.count()
    for package, how in _PACKAGES.items():
        try:
            python = installed.script(package, "python")
        except installed.NoPeer as error:
            missing[package] = str(error)
            continue
        command = [str(python), *how]
        laps[package] = lambda command=command: _lap(  # type: ignore[misc]
            bench, command, image, files, bench.folder / f"box-{next(numbers)}"
        )
    return Peers(laps, missing)


def by_hand(bench: Bench, engine: Engine, image: str, files: Files) -> Sequence[float]:
    """Start, change and stop of one by the engine's client library, in seconds."""
    api = engine.client.api
    client = bare.context(bench.ca.cert_pem.bytes())
    first, second = bench.ca.issue(NAME), bench.ca.issue(NAME)
    archive = files.archive(first)
    following = packed({f"{Path(files.root).name}/{name}": file for name, file in _pair(second).items()})
    ports: dict[int | str, Any] = {"443/tcp": (engine.publish, None)}
    lap = [time.perf_counter()]
    made = api.create_container(
        image,
        command=[*files.command, "-DFOREGROUND"],
        entrypoint=[],
        ports=[443],
        volumes=["/modssl"],
        host_config=api.create_host_config(port_bindings=ports),
    )["Id"]
    try:
        api.put_archive(made, "/modssl", archive)
        api.start(made)
        published = api.inspect_container(made)["NetworkSettings"]["Ports"]["443/tcp"][0]
        address = engine.host, int(published["HostPort"])
        bare.first_handshake(address, client, NAME)
        lap.append(time.perf_counter())
        api.put_archive(made, "/modssl", following)
        api.kill(made, "HUP")
        bare.first_handshake(address, client, NAME, shows=der(second))
        lap.append(time.perf_counter())
    finally:
        api.remove_container(made, force=True, v=True)
    return between([*lap, time.perf_counter()])


def _lap(bench: Bench, command: list[str], image: str, files: Files, folder: Path) -> Sequence[float]:
    first, second = bench.ca.issue(NAME), bench.ca.issue(NAME)
    files.write(folder, first)
    job = {
        "image": image,
        "folder": str(folder),
        "root": files.root,
        "command": files.command,
        "name": NAME,
        "ca": bench.ca.cert_pem.bytes().decode(),
        "following": [second.cert_file_pem.bytes().decode(), second.key_file_pem.bytes().decode()],
        "result": str(folder / "result.json"),
    }
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "BENCH_JOB": json.dumps(job)}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    times: list[float] = json.loads((folder / "result.json").read_text())
    return between(times)


def der(leaf: LeafCert) -> bytes:
    return leaf.certificate.public_bytes(Encoding.DER)


def between(times: Sequence[float]) -> Sequence[float]:
    """The seconds from each moment to the next."""
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def packed(members: Mapping[str, tuple[bytes | None, int]]) -> bytes:
    """A tar archive of files with contents and modes; a folder has no content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in members.items():
            member = tarfile.TarInfo(name)
            member.mode = mode
            if content is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content or b""))
    return buffer.getvalue()


def _pair(leaf: LeafCert) -> dict[str, tuple[bytes | None, int]]:
    return {
        "tls/0-0.crt": (leaf.cert_file_pem.bytes(), 0o644),
        "tls/0-0.key": (leaf.key_file_pem.bytes(), 0o600),
    }
