"""What must be right where a server runs, before it runs or while it does: files, sources, ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import prepared_of, require_place
from pytest_modssl.errors import Mismatch
from pytest_modssl.httpd.dumps import mutexes, virtual_hosts
from pytest_modssl.httpd.paths import obstacle, runtime_paths
from pytest_modssl.httpd.ports import hosts_without_listen, listens_without_host
from pytest_modssl.httpd.randomness import random_source

if TYPE_CHECKING:
    from pytest_modssl.targets.base import Prepared
    from pytest_modssl.targets.server import Server


def assert_runtime_paths(server: Server | Prepared) -> None:
    """Returns when httpd's children can reach every file that they open by name while they serve.

    These are the files of mutexes, of session caches in a DBM, the socket of mod_cgid, the folder for core dumps. Every
    folder above each is tried as the children's account (`User`), and as that of httpd's parent, which makes the files.

    Args:
        server: a running server, or a configuration that a target has written out (`Target.prepared`).

    Raises:
        ModsslAssertionError: with each file that cannot be reached, and the folder above it that is in the way.
        StartError: when httpd refuses the configuration.
    """
    __tracebackhide__ = True
    place = prepared_of(server)
    evidence = place.evidence()
    listed = mutexes(place.installation, place.rendered.main)
    used = [(one.name, one.words) for one in evidence.directives]
    mismatches = []
    for path in runtime_paths(used, listed, root=place.root):
        accounts = (None,) if evidence.account is None else (None, evidence.account)
        found = next(filter(None, (obstacle(place.installation, path.path, account) for account in accounts)), None)
        if found is not None:
            what = f"{path.directive} {path.path}"
            mismatches.append(Mismatch(what, f"a way for {found.account} to {path.use}", str(found)))
    require_place(server, "files that httpd's children open", mismatches)


def assert_random_seed(server: Server | Prepared) -> None:
    """Returns when every source of `SSLRandomSeed` gives what it should, and does so within a second.

    Args:
        server: a running server, or a configuration that a target has written out (`Target.prepared`).

    Raises:
        ModsslAssertionError: with each source that is missing, gives nothing, or has no end.
    """
    __tracebackhide__ = True
    place = prepared_of(server)
    mismatches = []
    for used in place.evidence().directives:
        if used.name.lower() == "sslrandomseed":
            found = random_source(place.installation, used.words, root=place.root)
            if found is not None and found.fault:
                mismatches.append(Mismatch(f"SSLRandomSeed {' '.join(used.words)}", found.wanted, found.fault))
    require_place(server, "sources of randomness", mismatches)


def assert_listens(server: Server | Prepared) -> None:
    """Returns when every virtual host has a `Listen` for its address and port, and every `Listen` a virtual host.

    What is compared is what httpd itself reports: its list of virtual hosts (`httpd -S`) and its `Listen` directives.

    Args:
        server: a running server, or a configuration that a target has written out (`Target.prepared`).

    Raises:
        ModsslAssertionError: with each that lacks the other.
        StartError: when httpd refuses the configuration.
    """
    __tracebackhide__ = True
    place = prepared_of(server)
    hosts = virtual_hosts(place.installation, place.rendered.main)
    listens = [one.words[0] for one in place.evidence().directives if one.name.lower() == "listen"]
    addresses = [one.address for one in hosts]
    there = ", ".join(dict.fromkeys(listens)) or "none"
    mismatches = [
        Mismatch(f"virtual host {one.name} at {one.address}", "a Listen of that port", f"Listen {there}")
        for one in hosts
        if hosts_without_listen(listens, [one.address])
    ]
    mismatches += [
        Mismatch(f"Listen {one}", "a virtual host of that port", f"<VirtualHost {', '.join(dict.fromkeys(addresses))}>")
        for one in listens_without_host(listens, addresses)
    ]
    require_place(server, "Listen and <VirtualHost>", mismatches)
