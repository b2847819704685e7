"""A recogniser that raises hides neither the failure nor what the others recognise, and is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, StartError, VirtualHost
from pytest_modssl.faq import catalogue, entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import CA
    from pytest_modssl.faq import Evidence, Finding
    from pytest_modssl.fixtures import ServerFactory


def _broken(_: Evidence) -> Iterator[Finding]:
    raise ZeroDivisionError("a fault of ours\nin two lines")


def _breaks_halfway(_: Evidence) -> Iterator[Finding]:
    yield from ()
    raise KeyError("later")


def test_it_is_told_last_after_all_that_is_recognised(
    modssl_server_factory: ServerFactory, modssl_ca: CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(entry("backtrace"), recognisers=(_broken, _breaks_halfway))
    unknown = entry("unknown-directive")
    monkeypatch.setattr(catalogue, "entries", lambda: (broken, unknown))
    with pytest.raises(StartError) as caught:
        modssl_server_factory(
            ServerConfig(VirtualHost("a.test", tls=modssl_ca.issue("a.test"), directives="SSLFoo on"))
        )
    told = str(caught.value)
    assert [one.entry.id for one in caught.value.diagnoses] == [
        "unknown-directive",
        "recogniser-failed",
        "recogniser-failed",
    ]
    assert "recogniser _broken of entry backtrace failed: ZeroDivisionError: a fault of ours (recogniser-failed" in told
    assert "recogniser _breaks_halfway of entry backtrace failed: KeyError: 'later'" in told
    assert "Invalid command 'SSLFoo'" in told
