"""What was seen of one thing at several times, as one value: bounded, whatever a run does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_modssl.report.whole.value.host import Certificate, Chain, Host, Shake
    from pytest_modssl.report.whole.value.run import Server

T = TypeVar("T")

LOG_LINES = 400
_SHAKES = 16
_TIMES = 100
_STARTS = 200
_CHAINS = 4
_ANSWERS = 20


def merged_server(old: Server, new: Server) -> Server:
    """A server as it was known, with what is new of it."""
    hosts = {one.name_and_port: one for one in old.hosts}
    for one in new.hosts:
        hosts[one.name_and_port] = merged_host(hosts[one.name_and_port], one) if one.name_and_port in hosts else one
    return replace(
        old,
        starts=(*old.starts, *new.starts)[:_STARTS],
        refused=old.refused or new.refused,
        configuration=old.configuration or new.configuration,
        log=(*old.log, *new.log)[-LOG_LINES:],
        hosts=tuple(hosts.values()),
    )


def merged_host(old: Host, new: Host) -> Host:
    """A virtual host as it was known, with what is new of it; of two that cannot both be, the newer."""
    return replace(
        old,
        place=old.place or new.place,
        chains=_last(
            (*old.chains, *new.chains),
            _kind,
        )[-_CHAINS:],
        accepted=new.accepted or old.accepted,
        shakes=_alike((*old.shakes, *new.shakes)),
        demands=_once((*old.demands, *new.demands)),
        client_cas=_once((*old.client_cas, *new.client_cas)),
        hsts=new.hsts or (old.hsts if old.hsts is not None else new.hsts),
        verdicts=_last((*old.verdicts, *new.verdicts), lambda one: one.policy),
        redirects=_last((*old.redirects, *new.redirects), lambda one: one.hops[0].url)[:_ANSWERS],
        answers=_once((*old.answers, *new.answers))[:_ANSWERS],
    )


def _alike(shakes: Iterable[Shake]) -> tuple[Shake, ...]:
    found: dict[object, Shake] = {}
    for one in shakes:
        key = replace(one, count=0, seconds=())
        known = found.get(key, key)
        seconds = (*known.seconds, *one.seconds)[:_TIMES]
        found[key] = replace(known, count=known.count + one.count, seconds=seconds)
    return tuple(found.values())[:_SHAKES]


def _once(some: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(some))


def _last(some: Iterable[T], key: Callable[[T], object]) -> tuple[T, ...]:
    """Of those that are about the same, the last."""
    return tuple({key(one): one for one in some}.values())


def _kind(chain: Chain) -> Certificate:
    """The certificate of a chain without what is another at each making."""
    return replace(chain.certificates[0], begins="", ends="", serial="", sha256="")
