"""Start, change and stop of a server, side by side with peers: on this machine, and in containers of one image."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench import bare, boxes
from bench.figures import medians_of_all, seconds
from bench.harness import Httpd
from bench.page import Section
from bench.place import NAME, NotMeasured
from pytest_modssl.errors import EngineError
from pytest_modssl.targets.container_target import ContainerTarget
from pytest_modssl.targets.engine import connect
from pytest_modssl.targets.images import image_for
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.place import Bench
    from pytest_modssl import LeafCert, Server, ServerConfig

    Lap = Callable[[], Sequence[float]]

_ROUNDS = 15
_ROUNDS_IN_CONTAINERS = 5
_OURS = "pytest-modssl"
_COLUMNS = ("who", "start", "x", "change", "x", "stop", "x")

_HOW = """\
One virtual host. *Start* is the time to the first verified handshake, *change* from a new certificate to the first
verified handshake that shows it, *stop* until no {left} is left; *x* is how many times ours that is. Medians of
{rounds} rounds."""

_LOCAL = """
pytest-modssl is handed a configuration and writes all files of it; the others find theirs written. `Server.reload`
makes the change; it awaits the last process of the former generation, and what httpd logs. The bare server is httpd in
the foreground and SIGHUP from Python, asked for a handshake every millisecond. The script is `httpd -k
start|graceful|stop`, which is all that apachectl does, with curl every 100 ms; it takes httpd for ended when its
PidFile has gone."""

_CONTAINERS = """
All run the image `{image}`, so the same httpd, and wait as their documents
say for a web server. pytest-modssl copies the files in, so that it works with an engine on another machine too, and
follows httpd's log; the others mount a folder, but for the bare one, which is docker's client library alone, copies,
and asks for a handshake every millisecond. testcontainers waits by HttpWaitStrategy, which asks once a second; its
Ryuk, a container that cleans up after a killed run, is switched off, which makes it faster. pytest-docker-tools looks
once a second whether the port is open within. pytest-container waits for nothing where an image has no health check, so
it is asked for a handshake every millisecond; its stop is a graceful one. All three run `httpd -k restart` in the
container, by what they offer to run a command there."""


def compare(bench: Bench) -> Iterator[Section]:
    yield on_this_machine(bench)
    try:
        engine = connect()
    except EngineError as error:
        raise NotMeasured(str(error).splitlines()[0]) from None
    owner = Owner(new_run())
    try:
        image = image_for(engine, None, say=print)
        target = ContainerTarget(engine, image, owner, start_seconds=20)
        try:
            files = boxes.template(bench, target)
        finally:
            target.close()
        peers = boxes.peers(bench, engine, image, files)

        def ours() -> Sequence[float]:
            # The image is known by then, as it is to any later server of a run; its first container is measured.
            target = ContainerTarget(engine, image, owner, start_seconds=20)
            return _ours(target.launch, bench, gone=target.close)

        rows = _rows({_OURS: ours, **peers.laps}, peers.missing, rounds=_ROUNDS_IN_CONTAINERS)
    finally:
        owner.close()
        engine.close()
    yield Section(
        title="In containers",
        how=_HOW.format(left="container", rounds=_ROUNDS_IN_CONTAINERS) + _CONTAINERS.format(image=image),
        columns=_COLUMNS,
        rows=rows,
    )


def on_this_machine(bench: Bench) -> Section:
    folders = (bench.folder / f"lap-{number}" for number in itertools.count())
    client = bare.context(bench.ca.cert_pem.bytes())
    ca = bench.folder / "ca.pem"
    ca.write_bytes(bench.ca.cert_pem.bytes())

    def laid_out() -> tuple[bare.Laid, LeafCert]:
        first, second = bench.ca.issue(NAME), bench.ca.issue(NAME)
        folder = next(folders)
        address = bare.lay_out(bench.template, folder, first.cert_file_pem.bytes(), first.key_file_pem.bytes())
        return bare.Laid(folder, address), second

    def by_hand() -> Sequence[float]:
        laid, following = laid_out()
        lap = [time.perf_counter()]
        process = bare.start(bench.template, laid.folder)
        bare.first_handshake(laid.address, client, NAME)
        lap.append(time.perf_counter())
        laid.replace(following.cert_file_pem.bytes(), following.key_file_pem.bytes())
        bare.reload(process)
        bare.first_handshake(laid.address, client, NAME, shows=boxes.der(following))
        lap.append(time.perf_counter())
        bare.stop(process)
        return boxes.between([*lap, time.perf_counter()])

    def script() -> Sequence[float]:
        laid, following = laid_out()
        httpd = Httpd(bench.template.binary, laid.folder, laid.address, ca)
        lap = [time.perf_counter()]
        httpd.start(NAME)
        lap.append(time.perf_counter())
        laid.replace(following.cert_file_pem.bytes(), following.key_file_pem.bytes())
        httpd.reload(NAME, _pin(following))
        lap.append(time.perf_counter())
        httpd.stop()
        return boxes.between([*lap, time.perf_counter()])

    laps = {
        _OURS: lambda: _ours(bench.target.launch, bench),
        "bare httpd, from Python": by_hand,
        "apachectl and curl, a script": script,
    }
    return Section(
        title="On this machine",
        how=_HOW.format(left="process", rounds=_ROUNDS) + _LOCAL,
        columns=_COLUMNS,
        rows=_rows(laps, {}, rounds=_ROUNDS),
    )


def _ours(
    launch: Callable[[ServerConfig], Server], bench: Bench, *, gone: Callable[[], None] = lambda: None
) -> Sequence[float]:
    first, second = bench.config(), bench.config()
    lap = [time.perf_counter()]
    server = launch(first)
    assert server.handshake(NAME).verification.ok
    lap.append(time.perf_counter())
    server.reload(second)
    seen = server.handshake(NAME)
    lap.append(time.perf_counter())
    assert seen.verification.ok
    assert seen.leaf == second.virtual_hosts[0].certificates[0].certificate
    server.stop()
    gone()
    return boxes.between([*lap, time.perf_counter()])


def _rows(laps: Mapping[str, Lap], missing: Mapping[str, str], *, rounds: int) -> tuple[tuple[str, ...], ...]:
    """Start, change and stop of each, with the ratio to ours; a peer that is missing says why."""
    measured = dict(zip(laps, medians_of_all(*laps.values(), rounds=rounds), strict=True))
    ours = measured[_OURS]
    rows = []
    for who, values in measured.items():
        cells = [(seconds(value), f"{value / own:.1f}") for value, own in zip(values, ours, strict=True)]
        rows.append((who, *itertools.chain.from_iterable(cells)))
    rows += [(f"{who}: {why}", *[""] * (len(_COLUMNS) - 1)) for who, why in missing.items()]
    return tuple(rows)


def _pin(leaf: LeafCert) -> str:
    """The key of a certificate as curl's `--pinnedpubkey` takes it."""
    key = leaf.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256//{base64.b64encode(hashlib.sha256(key).digest()).decode()}"
