"""How long a table of many redirects takes, all in, against pytest with as many tests that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.figures import Figure, medians, seconds
from bench.place import NAME
from bench.suites import run_pytest, write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.place import Bench

_ROWS = 5000
_ROUNDS = 3

_MAIN = f"""
Listen 443
SSLSessionCache none
<VirtualHost *:443>
    ServerName {NAME}
    SSLEngine on
    SSLCertificateFile /etc/ssl/www.pem
    SSLCertificateKeyFile /etc/ssl/www.key
    RewriteEngine on
    RewriteRule ^/old/(.*)$ https://{NAME}/new/$1 [R=301,L]
</VirtualHost>
"""
_NOTHING = f"""
import pytest

@pytest.mark.parametrize("n", range({_ROWS}))
def test_nothing(n):
    pass
"""


def measure(bench: Bench) -> Iterator[Figure]:
    """In one process, and over two workers against one."""
    suite = _table(bench)
    peer = write_suite(bench, "table-bare", _NOTHING, "addopts = -p no:modssl")
    one, two, other = medians(
        lambda: run_pytest(suite, "-n", "0"),
        lambda: run_pytest(suite, "-n", "2"),
        lambda: run_pytest(peer),
        rounds=_ROUNDS,
    )
    yield Figure(
        what=f"table of {_ROWS} redirects over TLS, against {_ROWS} tests of nothing",
        ours=seconds(one),
        bare=seconds(other),
        ratio=f"{one / other:.2f}",
        bar="<= 12 s",
        reached=one <= 12,
    )
    yield Figure(
        what=f"table of {_ROWS} redirects, -n 2 against -n 0",
        ours=seconds(two),
        bare=seconds(one),
        ratio=f"{one / two:.2f} x",
        bar=">= 1.6 x",
        reached=one / two >= 1.6,
    )


def _table(bench: Bench) -> Path:
    folder = write_suite(bench, "table", "", "modssl = true\nmodssl_target = local\nmodssl_checks = syntax")
    (folder / "httpd.conf").write_text(_MAIN)
    rows = [f"https://{NAME}/old/{n},301,/new/{n}" for n in range(_ROWS)]
    (folder / "moved.urls.csv").write_text("\n".join(["from,status,to", *rows, ""]))
    return folder
