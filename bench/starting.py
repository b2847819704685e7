"""How fast servers are there, one by one and one after the other."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from bench import bare
from bench.figures import Figure, medians, seconds, timed
from bench.place import NAME
from pytest_modssl.targets.pool import Pool

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from bench.place import Bench
    from pytest_modssl import LeafCert, ServerConfig

_STARTS = 21
_LOOPS = 3
_LOOP = 40


def measure(bench: Bench) -> Iterator[Figure]:
    yield first_handshake(bench)
    yield loop(bench)


def first_handshake(bench: Bench) -> Figure:
    """Ours is handed a configuration; the peer finds all files written."""
    config, client = bench.config(), bare.context(bench.ca.cert_pem.bytes())
    leaf = config.virtual_hosts[0].certificates[0]
    folders = _folders(bench, "first")

    def ours() -> float:
        started = time.perf_counter()
        server = bench.target.launch(config)
        assert server.handshake(NAME).verification.ok
        taken = time.perf_counter() - started
        server.stop()
        return taken

    def peer() -> float:
        folder = next(folders)
        address = _lay_out(bench, folder, leaf)
        started = time.perf_counter()
        process = bare.start(bench.template, folder)
        bare.first_handshake(address, client, NAME)
        taken = time.perf_counter() - started
        bare.stop(process)
        return taken

    mine, other = medians(ours, peer, rounds=_STARTS)
    return Figure(
        what="configuration to first handshake",
        ours=seconds(mine),
        bare=seconds(other),
        ratio=f"{mine / other:.2f}",
        bar="<= 1.3",
        reached=mine / other <= 1.3,
    )


def loop(bench: Bench) -> Figure:
    """One verified handshake and one GET of each server; certificates are there before, the peer's files too."""
    client = bare.context(bench.ca.cert_pem.bytes())
    folders = _folders(bench, "loop")

    def ours() -> float:
        configs = [bench.config() for _ in range(_LOOP)]
        return timed(lambda: _ours_in_turn(bench, configs))

    def peer() -> float:
        laid_out = [(one, _lay_out(bench, one, bench.ca.issue(NAME))) for one in itertools.islice(folders, _LOOP)]
        return timed(lambda: _peer_in_turn(bench, laid_out, client))

    mine, other = medians(ours, peer, rounds=_LOOPS)
    return Figure(
        what=f"{_LOOP} configurations in turn, handshake and GET each",
        ours=seconds(mine),
        bare=seconds(other),
        ratio=f"{mine / other:.2f}",
        bar="<= 0.8",
        reached=mine / other <= 0.8,
    )


def _ours_in_turn(bench: Bench, configs: list[ServerConfig]) -> None:
    pool = Pool(bench.target)
    for config in configs:
        server = pool.get(config, config.digest)
        server.begin_test()
        assert server.handshake(NAME).verification.ok
        assert server.get(f"https://{NAME}/").status_code == 200
        server.end_test()
        pool.release(config.digest)
    pool.close()


def _peer_in_turn(bench: Bench, laid_out: list[tuple[Path, tuple[str, int]]], client: ssl.SSLContext) -> None:
    for folder, address in laid_out:
        process = bare.start(bench.template, folder)
        bare.first_handshake(address, client, NAME)
        assert bare.get(address, client, NAME) == 200
        bare.stop(process)


def _lay_out(bench: Bench, folder: Path, leaf: LeafCert) -> tuple[str, int]:
    return bare.lay_out(bench.template, folder, leaf.cert_file_pem.bytes(), leaf.key_file_pem.bytes())


def _folders(bench: Bench, name: str) -> Iterator[Path]:
    return (bench.folder / f"{name}-{number}" for number in itertools.count())
