"""Addresses and ports of servers that run beside each other."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path

import pytest

from pytest_modssl.targets import addresses
from pytest_modssl.targets.addresses import allocate

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 on loopback")


@linux
def test_each_server_gets_a_loopback_address_of_its_own() -> None:
    addresses = {allocate([443]).address for _ in range(50)}
    assert len(addresses) == 50
    assert all(ipaddress.ip_address(one).is_loopback for one in addresses)
    assert not any(ipaddress.ip_address(one) in ipaddress.ip_network("127.0.0.0/16") for one in addresses)


@linux
def test_ports_are_the_real_ones_where_they_may_be_bound() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    listening = allocate([80, 443, 8443])
    assert listening.ports[8443] == 8443
    for port in (80, 443):
        assert (listening.ports[port] == port) == (os.geteuid() == 0 or first <= port)


@linux
def test_a_port_taken_on_all_addresses_is_stood_for_by_another() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert allocate([port]).ports[port] != port


def test_no_port_stands_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five hundred, the kernel gives one twice as good as always where it may (measured on Linux 6.18)."""
    monkeypatch.setattr(addresses, "_can_bind", lambda *_: False)
    stand_ins = allocate(range(1, 501)).ports
    assert len(set(stand_ins.values())) == 500


def test_every_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = allocate([80, 443])
    for port in listening.ports.values():
        socket.create_server((listening.address, port)).close()
    monkeypatch.setattr(sys, "platform", "darwin")
    elsewhere = allocate([80, 443])
    assert elsewhere.address == "127.0.0.1"
    assert not {80, 443} & set(elsewhere.ports.values())
