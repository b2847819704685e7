"""What is looked at where httpd is: before a start by a target, and on a running server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    File,
    ModsslAssertionError,
    ServerConfig,
    StartError,
    VirtualHost,
    assert_listens,
    assert_random_seed,
    assert_runtime_paths,
)
from pytest_modssl.httpd.ports import hosts_without_listen, listens_without_host
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from pytest_modssl import CA, Server
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.base import Target

NAME = "www.example.test"
SHUT = 0o700 if os.geteuid() == 0 else 0o000


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=modssl_ca.issue(NAME)),
        VirtualHost(NAME),
        directives='SSLSessionCache "dbm:${MODSSL_RUN}/cache/sessions"\nSSLRandomSeed startup file:/dev/urandom 64',
        folders={"cache": 0o755},
    )


def test_a_healthy_server_passes(modssl_server: Server) -> None:
    assert_listens(modssl_server)
    assert_runtime_paths(modssl_server)
    assert_random_seed(modssl_server)


def test_a_healthy_configuration_passes_before_it_is_started(
    modssl_target: Target, modssl_config: ServerConfig
) -> None:
    with modssl_target.prepared(modssl_config) as prepared:
        assert_listens(prepared)
        assert_runtime_paths(prepared)
        assert_random_seed(prepared)


def test_ports_that_do_not_match_are_told_before_the_start(modssl_target: Target, modssl_ca: CA) -> None:
    config = ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME), port=8443), VirtualHost(NAME), listen=[80, 81])
    with modssl_target.prepared(config) as prepared, pytest.raises(ModsslAssertionError) as caught:
        assert_listens(prepared)
    host, listen = caught.value.mismatches
    assert host.what.startswith(f"virtual host {NAME} at *:")
    assert listen.expected == "a virtual host of that port"
    assert [one.entry.id for one in caught.value.diagnoses] == ["connection-refused"]
    assert f"{__file__}:" in str(caught.value)


def test_the_outermost_folder_that_is_shut_is_named_before_the_start(modssl_target: Target) -> None:
    config = ServerConfig(
        VirtualHost(NAME),
        directives='SSLSessionCache "dbm:${MODSSL_RUN}/a/b/sessions"\nMutex "flock:${MODSSL_RUN}/a/b" ssl-cache',
        folders={"a": 0o755, "a/b": SHUT},
        modules=["ssl"],
    )
    with modssl_target.prepared(config) as prepared, pytest.raises(ModsslAssertionError) as caught:
        assert_runtime_paths(prepared)
    assert {one.what.split()[0] for one in caught.value.mismatches} == {"Mutex", "SSLSessionCache"}
    assert all("/run/a/b (d" in one.seen and " has no x for " in one.seen for one in caught.value.mismatches)
    assert [one.entry.id for one in caught.value.diagnoses] == ["ssl-mutex-permissions"]


def test_a_folder_that_is_missing_is_told(modssl_target: Target) -> None:
    config = ServerConfig(
        VirtualHost(NAME), directives='SSLSessionCache "dbm:${MODSSL_RUN}/none/sessions"', modules=["ssl"]
    )
    with modssl_target.prepared(config) as prepared, pytest.raises(ModsslAssertionError, match="/none does not exist"):
        assert_runtime_paths(prepared)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("file:/dev/null", "nothing"),
        ("file:/dev/urandom", "no end: without a number of bytes"),
        ("exec:/bin/true 16", "nothing"),
        ('"exec:${MODSSL_RUN}/../sites/0-www.example.test/mute" 16', "nothing within 1 s"),
    ],
)
def test_a_source_that_is_no_source_is_told_before_the_start(modssl_target: Target, source: str, fault: str) -> None:
    mute = File(b"#!/bin/sh\nexec sleep 30\n", executable=True)
    config = ServerConfig(
        VirtualHost(NAME, files={"mute": mute}), directives=f"SSLRandomSeed startup {source}", modules=["ssl"]
    )
    with modssl_target.prepared(config) as prepared, pytest.raises(ModsslAssertionError) as caught:
        assert_random_seed(prepared)
    (mismatch,) = caught.value.mismatches
    assert mismatch.seen.startswith(fault)
    assert [one.entry.id for one in caught.value.diagnoses] == ["prng-not-seeded"]


def test_a_start_that_a_source_without_end_holds_up_is_diagnosed(local_installation: Installation) -> None:
    owner = Owner(new_run())
    target = LocalTarget(local_installation, owner, start_seconds=1)
    try:
        with pytest.raises(StartError, match="was not ready within 1 s") as caught:
            target.launch(
                ServerConfig(VirtualHost(NAME), directives="SSLRandomSeed startup file:/dev/urandom", modules=["ssl"])
            )
    finally:
        owner.close()
    (found,) = caught.value.diagnoses
    assert found.entry.id == "prng-not-seeded"
    assert "no end" in found.cause
    assert "SSLRandomSeed startup file:/dev/urandom" in str(found.place)


@pytest.mark.parametrize(
    ("listens", "hosts", "closed", "empty"),
    [
        (["443"], ["*:443"], [], []),
        (["127.0.0.1:443"], ["*:443"], [], []),
        (["127.0.0.1:443"], ["127.0.0.2:443"], ["127.0.0.2:443"], ["127.0.0.1:443"]),
        (["[::]:443"], ["192.0.2.1:443"], [], []),
        (["80", "443"], ["*:80"], [], ["443"]),
        (["80"], ["*:8443"], ["*:8443"], ["80"]),
        (["80"], ["_default_:*"], [], []),
        (["80"], ["[2001:db8::1]"], [], []),
        (["80"], [], [], []),
    ],
)
def test_addresses_of_listen_and_virtual_hosts_are_compared_as_httpd_does(
    listens: list[str], hosts: list[str], closed: list[str], empty: list[str]
) -> None:
    assert hosts_without_listen(listens, hosts) == closed
    assert listens_without_host(listens, hosts) == empty
