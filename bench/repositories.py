"""How long repositories take, all in: a table of many redirects, many virtual hosts; against tests that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.figures import Figure, medians, on_two_workers, seconds
from bench.place import NAME
from bench.suites import run_pytest, write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.place import Bench

_ROWS = 5000
_HOSTS = 500
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
_HOST = """
<VirtualHost *:443>
    ServerName h{0}.example.test
    ServerAlias www.h{0}.example.test
    SSLEngine on
    SSLCertificateFile /etc/letsencrypt/live/h{0}/fullchain.pem
    SSLCertificateKeyFile /etc/letsencrypt/live/h{0}/privkey.pem
    DocumentRoot /srv/www/h{0}
    Header always set Strict-Transport-Security "max-age=63072000"
</VirtualHost>
"""
_AS_RECOMMENDED = """
Listen 443
SSLSessionCache shmcb:logs/ssl_scache(512000)
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20
SSLHonorCipherOrder off
SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1
<Directory /srv/www>
    Require all granted
</Directory>
"""
_NOTHING = f"""
import pytest

@pytest.mark.parametrize("n", range({_ROWS}))
def test_nothing(n):
    pass
"""


def measure(bench: Bench) -> Iterator[Figure]:
    """In one process, and over two workers against one."""
    peer = nothing(bench, "table-bare")
    for suite, what, most in (
        (table(bench, "table", _ROWS), f"table of {_ROWS} redirects over TLS", 12),
        (
            hosts(bench, "hosts", _HOSTS),
            f"repository of {_HOSTS} virtual hosts with {2 * _HOSTS} names, {10 * _HOSTS} tests",
            20,
        ),
    ):
        one, two, other = medians(
            lambda suite=suite: run_pytest(suite, "-n", "0"),  # type: ignore[misc]
            lambda suite=suite: run_pytest(suite, "-n", "2"),  # type: ignore[misc]
            lambda: run_pytest(peer),
            rounds=_ROUNDS,
        )
        yield Figure(
            what=f"{what}, against {_ROWS} tests of nothing",
            ours=seconds(min(one, two)),
            bare=seconds(other),
            ratio=f"{min(one, two) / other:.2f}",
            bar=f"<= {most} s",
            reached=min(one, two) <= most,
        )
        yield on_two_workers(f"{what}, -n 2 against -n 0", one, two, bar=1.6)


def nothing(bench: Bench, name: str) -> Path:
    """A suite of as many tests of nothing as the large repositories have, without us."""
    return write_suite(bench, name, _NOTHING, "addopts = -p no:modssl")


def hosts(bench: Bench, name: str, count: int) -> Path:
    """A repository of as many virtual hosts, with two names each."""
    folder = write_suite(bench, name, "", "modssl = true\nmodssl_target = local")
    (folder / "httpd.conf").write_text(_AS_RECOMMENDED + "".join(_HOST.format(number) for number in range(count)))
    return folder


def table(bench: Bench, name: str, count: int) -> Path:
    """A repository of one virtual host with a table of as many redirects."""
    folder = write_suite(bench, name, "", "modssl = true\nmodssl_target = local\nmodssl_checks = syntax")
    (folder / "httpd.conf").write_text(_MAIN)
    rows = [f"https://{NAME}/old/{n},301,/new/{n}" for n in range(count)]
    (folder / "moved.urls.csv").write_text("\n".join(["from,status,to", *rows, ""]))
    return folder
