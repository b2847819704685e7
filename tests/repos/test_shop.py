"""The shop's own main file, which its tests do not go through, is one that httpd takes."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl._data import fixture
from pytest_modssl.httpd.installation import find_httpd, probe_installation
from pytest_modssl.pki import CA, dh_parameters

if TYPE_CHECKING:
    from pathlib import Path

_MODULES = ("mpm_event", "alias", "authz_core", "cgid", "dir", "headers", "include", "mime", "rewrite", "ssl")
_HOSTS = ("443 namevhost www", "443 namevhost pay", "443 namevhost legacy", "80 namevhost www", "80 namevhost pay")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the repository with the things that stand on the shop's machine only."""
    shop = tmp_path / "shop"
    shutil.copytree(fixture("repos/shop"), shop)
    (shop / "certificates").mkdir()
    ca = CA()
    for name in ("www", "pay", "legacy"):
        leaf = ca.issue(f"{name}.shop.test", key_type="rsa-2048").with_dh_parameters(dh_parameters("rfc2409-1024"))
        (shop / f"certificates/{name}.pem").write_bytes(leaf.cert_file_pem.bytes() + leaf.key_file_pem.bytes())
    main = shop / "httpd/shop.conf"
    text = main.read_text(encoding="utf-8")
    assert "Define SHOP /srv/shop\n" in text
    main.write_text(text.replace("Define SHOP /srv/shop", f'Define SHOP "{shop}"'), encoding="utf-8")
    return shop


def _dump(shop: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    installation = probe_installation(find_httpd())
    modules = installation.loadable
    loads = [f'LoadModule {name}_module "{modules[name]}"' for name in _MODULES if name in modules]
    lines = [*loads, "TypesConfig /dev/null", f'PidFile "{folder}/pid"', f'ErrorLog "{folder}/error.log"']
    (folder / "httpd.conf").write_text("\n".join([*lines, f'Include "{shop}/httpd/shop.conf"', ""]), encoding="utf-8")
    return subprocess.run(
        [installation.binary, "-d", folder, "-f", folder / "httpd.conf", "-t", "-D", "DUMP_VHOSTS"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_httpd_takes_the_main_file_and_finds_every_host(shop: Path, tmp_path: Path) -> None:
    said = _dump(shop, tmp_path)
    assert said.returncode == 0, said.stderr
    for host in _HOSTS:
        assert f"port {host}.shop.test" in said.stdout


def test_the_main_file_and_the_tests_use_every_file_of_the_configuration(shop: Path) -> None:
    main = (shop / "httpd/shop.conf").read_text(encoding="utf-8")
    tests = (shop / "tests/conftest.py").read_text(encoding="utf-8")
    for path in (shop / "httpd").glob("*.conf"):
        if path.name != "shop.conf":
            assert f"Include ${{SHOP}}/httpd/{path.name}\n" in main
            assert f'HTTPD / "{path.name}"' in tests
