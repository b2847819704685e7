"""A small suite that goes through everything, for runs that are ended before their time.

Several configurations, servers shared and not, handshakes, a scan, pages, a repository of configuration with a table of
URLs, a key from the cache, and a failure that leaves a bug report. It tells what becomes of each test, as it happens.
"""

from __future__ import annotations

_SETTINGS = """
[pytest]
modssl = true
modssl_artifacts = artifacts
modssl_config = site/httpd.conf
modssl_checks = syntax starts handshake chain
"""

_CONFIGURATION = """
ServerRoot /etc/httpd
Listen 80
Listen 443
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule unixd_module modules/mod_unixd.so
LoadModule alias_module modules/mod_alias.so
LoadModule ssl_module modules/mod_ssl.so
LoadModule socache_shmcb_module modules/mod_socache_shmcb.so
ServerName site.example
SSLSessionCache shmcb:run/sessions
<VirtualHost *:80>
    ServerName site.example
    Redirect permanent / https://site.example/
</VirtualHost>
<VirtualHost *:443>
    ServerName site.example
    SSLEngine on
    SSLCertificateFile /etc/pki/site.crt
    SSLCertificateKeyFile /etc/pki/site.key
    Redirect 404 /gone
    Redirect temp /old https://site.example/new
</VirtualHost>
"""

_TABLE = """
from,status,to
http://site.example/,301,https://site.example/
https://site.example/old,302,https://site.example/new
https://site.example/gone,404,
"""

_TESTS = """
import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake

KEYS = ("rsa-2048", "ec-p256", "ed25519")


@pytest.fixture(scope="module")
def configs(modssl_ca):
    return [
        ServerConfig(VirtualHost(f"{key}.example.test", tls=modssl_ca.issue(f"{key}.example.test", key_type=key)))
        for key in KEYS
    ]


@pytest.mark.parametrize("number", range(6))
def test_handshake(configs, modssl_server_factory, number):
    server = modssl_server_factory(configs[number % len(KEYS)])
    assert_handshake(server, f"{KEYS[number % len(KEYS)]}.example.test", protocol="TLSv1.3")


@pytest.mark.parametrize("path", ["", "?a", "?b"])
def test_page(modssl_server, path):
    assert modssl_server.get(f"https://www.example.test/{path}").status_code == 200


@pytest.mark.modssl(fresh=True)
def test_fresh(modssl_server):
    assert modssl_server.get("https://www.example.test/").status_code == 200


def test_scan(modssl_server):
    assert modssl_server.scan("www.example.test").protocols


def test_failing(modssl_server):
    assert modssl_server.get("https://www.example.test/").status_code == 404
"""

_TELLING = """
import json
import os
from pathlib import Path

import pytest


def _tell(**told):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with Path("told").open("a") as file:
            print(json.dumps(told), file=file)


def pytest_configure():
    _tell(phase="session")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    _tell(phase="end")


def pytest_runtest_logreport(report):
    _tell(test=report.nodeid, when=report.when, outcome=report.outcome, text=report.longreprtext)
"""

FILES = {
    "pytest.ini": _SETTINGS,
    "site/httpd.conf": _CONFIGURATION,
    "site/site.urls.csv": _TABLE,
    "test_servers.py": _TESTS,
    "conftest.py": _TELLING,
}
"""Its files by path."""

TOLD = "told"
"""The file that it writes, a JSON object a line: `phase`, or `test`, `when`, `outcome` and `text`."""
