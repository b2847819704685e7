"""The container engine of this run: which one, reached how, and where the ports that it publishes are reached.

An engine is looked for where its own command line looks: `DOCKER_HOST`, then the context (`DOCKER_CONTEXT`, then the
one that `docker context use` chose), and after those at the sockets where engines usually listen, podman's among them.
What is named must answer; of the usual sockets the first that answers is taken.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import docker.errors
from docker.context import ContextAPI
from docker.utils import kwargs_from_env

from pytest_modssl.environment import environment
from pytest_modssl.errors import EngineError
from pytest_modssl.targets.engine_errors import ADVICE, engine_error, engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How long the way to an engine on another machine may take to be there: a lost SYN is sent again after 1 s (RFC 6298).
_REACH_SECONDS = 1.5
# How long an engine may take to answer what it is; one that systemd starts on the first connection takes 1 to 2 s.
_ANSWER_SECONDS = 5
_SSH_SECONDS = 15
# How long any later call may take: what needs longer (a pull, a build) streams its progress.
_CALL_SECONDS = 60
# Where engines of the whole machine listen.
_SYSTEM = ("/var/run/docker.sock", "/run/podman/podman.sock")


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine that has answered.

    Attributes:
        client: the client library's connection to it.
        publish: address of the engine's machine on which ports are to be published.
        host: address at which those ports are reached from this machine.
        rootless: whether it runs without root's rights.
        remote: whether it may be on another machine, so that nothing but its ports is shared with it.
        name: what it is, for example `"docker 20.10.24"`.
        architecture: of its machine, as images name it, for example `"amd64"`.
        description: what it is, where, and what named it.
    """

    client: docker.DockerClient = field(repr=False)
    publish: str
    host: str
    rootless: bool
    remote: bool
    name: str
    architecture: str
    description: str

    @contextmanager
    def patience(self, seconds: int) -> Iterator[None]:
        """Until the end of the block the engine may take this long for an answer."""
        usual, self.client.api.timeout = self.client.api.timeout, seconds
        try:
            yield
        finally:
            self.client.api.timeout = usual

    def close(self) -> None:
        """Closes the connections to the engine."""
        self.client.close()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an engine may be, and what says so."""

    url: str
    source: str
    tls: Any = None


def connect(environ: Mapping[str, str] = os.environ) -> Engine:
    """The engine that the environment or the context names, or else the first that answers at a usual place.

    Args:
        environ: the variables that are read: `DOCKER_HOST`, `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`, `DOCKER_CONTEXT`,
            `XDG_RUNTIME_DIR`, `HOME`.

    Raises:
        EngineError: when none answers, with every place that was tried and what to do.
    """
    named = _named(environ)
    if named is not None:
        return _open(named)
    failures: list[EngineError] = []
    for place in _usual(environ):
        try:
            return _open(place)
        except EngineError as error:
            failures.append(error)
    # A socket that is there and cannot be used says more than all those that are not.
    telling = next((error for error in failures if error.reason != "absent"), None)
    if telling is not None:
        raise telling
    tried = "".join(f"\n  {place.url.removeprefix('unix://')}" for place in _usual(environ))
    raise EngineError(
        f"no container engine answers on this machine. What to do: {ADVICE['absent']}. Sockets tried:{tried}",
        reason="absent",
    )


def _named(environ: Mapping[str, str]) -> _Place | None:
    """The place that DOCKER_HOST or a context of the command line names; `None` where neither names one."""
    if environ.get("DOCKER_HOST"):
        with engine_errors("use the engine that DOCKER_HOST names"):
            named = kwargs_from_env(dict(environ))
        return _Place(named["base_url"], "DOCKER_HOST", named.get("tls"))
    name = environ.get("DOCKER_CONTEXT")
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:
        raise EngineError(
            f"cannot read docker's contexts: {error}. What to do: docker context ls.", reason="absent"
        ) from error
    if context is None:
        raise EngineError(
            f"docker has no context {name or 'of the name in its config.json'}. What to do: docker context ls shows "
            "those there are, docker context use default takes the usual one.",
            reason="absent",
        )
    if context.Name == "default" or not context.Host:
        return None
    return _Place(context.Host, f"context {context.Name}", context.TLSConfig)


def _usual(environ: Mapping[str, str]) -> Iterator[_Place]:
    """The sockets of docker and podman, as root and rootless, and of Docker Desktop."""
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    home = environ.get("HOME") or str(Path.home())
    docker_socket, podman_socket = _SYSTEM
    for path in (
        docker_socket,
        f"{runtime}/docker.sock",
        f"{home}/.docker/run/docker.sock",
        f"{runtime}/podman/podman.sock",
        podman_socket,
    ):
        yield _Place(f"unix://{path}", "a usual place")


def _open(place: _Place) -> Engine:
    """The engine at a place; raises EngineError."""
    remote = not place.url.startswith(("unix://", "http+unix://", "/"))
    what = f"reach the container engine at {place.url} ({place.source})"
    ssh = place.url.startswith("ssh://")
    host = _host(place.url) if remote else "127.0.0.1"
    if not ssh:
        # The client library's one timeout is for answers; what is absent is to be told sooner.
        try:
            _reach(place.url)
        except OSError as error:
            raise engine_error(error, what) from error
    with engine_errors(what):
        try:
            client = docker.DockerClient(
                base_url=place.url,
                tls=place.tls or False,
                timeout=_SSH_SECONDS if ssh else _ANSWER_SECONDS,
                use_ssh_client=ssh,
            )
        except docker.errors.DockerException as error:
            if "paramiko" in str(error):
                raise EngineError(
                    f"cannot {what}: the client library lacks its part for ssh. What to do: pip install 'docker[ssh]'.",
                    reason="absent",
                ) from error
            raise
        try:
            version, info = client.version(), client.info()
        except BaseException:
            client.close()
            raise
    client.api.timeout = _CALL_SECONDS
    podman = any("podman" in part.get("Name", "").lower() for part in version.get("Components") or ())
    name = f"{'podman' if podman else 'docker'} {version['Version'].partition('+')[0]}"
    # podman 4 tells it by a field of its own.
    rootless = bool(info.get("Rootless")) or any("rootless" in one for one in info.get("SecurityOptions") or ())
    return Engine(
        client=client,
        publish=_publish(host),
        host=host,
        rootless=rootless,
        remote=remote,
        name=name,
        architecture=version.get("Arch", ""),
        description=f"{name}{' rootless' if rootless else ''} at {place.url} ({place.source})",
    )


def _reach(url: str) -> None:
    """Returns when something listens at a URL."""
    split = urlsplit(url)
    if split.scheme.endswith("unix"):
        with socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(_REACH_SECONDS)
            trial.connect(split.netloc + split.path)
    elif split.hostname and split.port:
        socket.create_connection((split.hostname, split.port), timeout=_REACH_SECONDS).close()


def _host(url: str) -> str:
    """The address that ports published by a remote engine are reached at: that of the engine itself."""
    host = urlsplit(url).hostname or "127.0.0.1"
    if url.startswith("ssh://"):
        # What the URL has may be a name of the user's own in ~/.ssh/config; `ssh -G` prints what it stands for.
        asked = subprocess.run(
            ["ssh", "-G", "--", host], env=environment("SSH_*"), capture_output=True, text=True, check=False
        )
        for line in asked.stdout.splitlines():
            key, _, value = line.partition(" ")
            if key == "hostname":
                return value
    return host


def _publish(host: str) -> str:
    """The address to publish on so that `host` reaches it: only this machine's own where that will do."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - another machine must reach it
    if address.is_loopback:
        return str(address)
    return "::" if address.version == 6 else "0.0.0.0"  # noqa: S104 - as above
