"""What an engine's refusals and silences mean, in one message each, with what to do about them."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import docker.errors
import requests
import urllib3.exceptions

from pytest_modssl.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import APIClient

# `EngineError.reason` -> what to do.
ADVICE = {
    "absent": "start one (systemctl start docker, or systemctl start podman.socket), install one (apt-get install "
    "docker.io), or set DOCKER_HOST to one that runs elsewhere",
    "permission": "add your user to the group that owns the socket (usermod -aG docker USER, then log in again), or "
    "use a rootless engine",
    "silent": "look whether it is overloaded or hangs (docker info); restart it",
    "stopped": "look why it ended (journalctl -u docker); start it again and repeat the run",
    "no-image": "look how it is spelt (docker images), and whether you are logged in at the registry it comes from; "
    "python -m pytest_modssl images list shows the project's own",
    "no-registry": "pull the image where the network is and load it here (docker save, docker load), or give the "
    "engine a proxy or a mirror",
    "architecture": "take an image made for the engine's machine (docker info shows its architecture), or install "
    "emulation (qemu-user-static)",
    "shell": 'take an image that has a POSIX shell and the usual small programs, which a "distroless" one has not',
    "disk": "free some: docker system df shows what is used, docker system prune removes what is not",
    "port": "end what listens on it (ss -ltnp), or ask for another",
    "container": "start one of the image by hand (docker run --rm -it IMAGE /bin/sh) and look what happens",
    "memory": "let the configuration need less: fewer processes and threads, smaller caches",
    "other": "the engine's own log may say more (journalctl -u docker)",
}

# Read in this order, as a longer message quotes a shorter one. Texts of docker 20.10.24 and podman 4.3.1, measured,
# but for the limit of pulls, which is Docker Hub's (docs.docker.com/docker-hub/usage).
_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("disk", ("no space left on device", "disk quota exceeded")),
    ("shell", (r'exec:? "?/bin/sh"?: (stat /bin/sh: )?no such file', r"executable file .?/bin/sh.? not found")),
    ("architecture", ("exec format error", "does not match the specified platform", "no matching manifest")),
    ("port", ("port is already allocated", "address already in use")),
    (
        "no-image",
        (
            "pull access denied",
            "repository does not exist",
            "manifest unknown",
            "manifest for .* not found",
            "requested access to the resource is denied",
            "unauthorized",
            "no such image",
            "image not known",
        ),
    ),
    (
        "no-registry",
        (
            "dial tcp",
            "no such host",
            "pinging container registry",
            "tls handshake timeout",
            "i/o timeout",
            "client.timeout",
            "toomanyrequests",
            "network is unreachable",
            "server misbehaving",
            "certificate signed by unknown",
        ),
    ),
    (
        "container",
        (
            r"container \S+ is not running",
            "no such container",
            "no container with",
            "container state improper",
            "can only create exec sessions on running",
            "oci runtime",
        ),
    ),
)

# Kinds of exception below the client library's own -> reason, and what came back in words. The first that fits.
_BROKEN: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((PermissionError,), "permission", "this user may not open the engine's socket"),
    ((FileNotFoundError,), "absent", "no engine is there: its socket does not exist"),
    ((ConnectionRefusedError,), "absent", "no engine is there: the connection was refused"),
    ((requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError), "silent", "the engine does not answer"),
    ((urllib3.exceptions.NameResolutionError, socket.gaierror), "absent", "the engine's host has no address"),
    (
        (ConnectionError, requests.ConnectionError, urllib3.exceptions.ProtocolError),
        "stopped",
        "the engine broke off the connection: it has ended, or is ending",
    ),
    ((requests.exceptions.ChunkedEncodingError,), "stopped", "the engine broke off its answer"),
)
# How long an engine may take to tell of the end of a container whose output has ended.
_EVENT_SECONDS = 2
_CAUGHT = (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError)


@contextmanager
def engine_errors(what: str, *, answered: bool = False) -> Iterator[None]:
    """Turns the client library's exceptions into one that says what was tried, what came back and what to do.

    Args:
        what: what is tried, to follow "cannot", for example `"start a container of debian:12"`.
        answered: whether the engine has answered in this run, so that it has ended if it is not there.

    Raises:
        EngineError: for whatever the engine, or the way to it, refused.
    """
    try:
        yield
    except (*_CAUGHT, TimeoutError) as error:
        told = engine_error(error, what)
        if answered and told.reason == "absent":
            told = _error("stopped", what, "the engine has ended since it last answered")
        # All that the library's own exceptions say, four deep as they are, is in this one.
        raise told from None


def engine_error(error: BaseException, what: str) -> EngineError:
    """The error that says what an exception of the client library means; arguments as for `engine_errors`."""
    if isinstance(error, docker.errors.APIError) and error.status_code is not None:
        return said(str(error.explanation or error), what)
    chain = list(_chain(error))
    for kinds, reason, words in _BROKEN:
        if any(isinstance(one, kinds) for one in chain):
            return _error(reason, what, words)
    # What is left of the system's own errors says that there is no way there, as "No route to host" does.
    return _error("absent" if type(error) is OSError else "other", what, str(error))


def said(text: str, what: str) -> EngineError:
    """The error for a message of the engine that came as text, as in a stream of progress; `what` as above."""
    text = " ".join(text.split())
    for reason, patterns in _TEXTS:
        if any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns):
            return _error(reason, what, text)
    return _error("other", what, text)


def container_ended(api: APIClient, identity: str, what: str, words: str) -> EngineError:
    """The error for a container that has ended: how, and its last words.

    Args:
        api: of the engine, whose events tell of a container that is removed already.
        identity: id of the container.
        what: what was tried, to follow "cannot".
        words: the last that came from the container.
    """
    shown = "".join(f"\n    {line}" for line in words.splitlines()) or " none"
    try:
        status, out_of_memory = _end_of(api, identity)
    except (*_CAUGHT, TimeoutError) as error:
        return engine_error(error, what)
    if "exec format error" in words:
        reason, how = "architecture", "the image's programs are not for the machine of the engine"
    elif out_of_memory:
        reason, how = "memory", "the container was killed: it needed more memory than it may have"
    else:
        reason, how = "container", f"the container ended with exit status {status or 'unknown'}"
    return EngineError(f"{_error(reason, what, how)}\n  Its last words:{shown}", reason=reason)


def _end_of(api: APIClient, identity: str) -> tuple[str | None, bool]:
    """Exit status of a container that has ended, and whether memory was the reason; waits a moment to be told."""
    # By the engine's clock. It tells an end milliseconds after the container's output has ended.
    now = datetime.fromisoformat(f"{api.info()['SystemTime'][:19]}+00:00").timestamp()
    # podman 4 answers with "die" when it is asked for "died", and tells nothing of memory.
    filters = {"container": [identity], "event": ["die", "died", "oom"]}
    events = api.events(since=1, until=int(now) + _EVENT_SECONDS, filters=filters, decode=True)
    seen = {event["Action"]: event["Actor"]["Attributes"] for event in events}
    return seen.get("die", {}).get("exitCode"), "oom" in seen


def _error(reason: str, what: str, words: str) -> EngineError:
    return EngineError(f"cannot {what}: {words}. What to do: {ADVICE[reason]}.", reason=reason)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and all those it came from: causes, contexts, and those that libraries hand on as arguments."""
    seen: set[int] = set()
    todo: list[BaseException] = [error]
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        linked = (one.__cause__, one.__context__, *one.args, getattr(one, "reason", None))
        todo += [other for other in linked if isinstance(other, BaseException)]
