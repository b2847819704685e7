from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.httpd.dumps import check_syntax
from pytest_modssl.httpd.modules import modules_for
from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.repo.found import Found
from pytest_modssl.repo.layouts import NAMES, beside, layout, moved
from pytest_modssl.repo.reader import read_configuration

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.repo.found import Layout


NOWHERE = Path("/nowhere")


def listened(one: Layout) -> list[str]:
    """Every port that a server of a layout alone listens on."""
    found = Found(title="t", root=NOWHERE, layout=one, main=None, variables=one.variables)
    return [one.arguments[0] for one in read_configuration(found).statements if one.directive == "Listen"]


@pytest.mark.parametrize("name", NAMES)
def test_httpd_accepts_what_a_layout_brings(name: str, local_installation: Installation, tmp_path: Path) -> None:
    here = {path: f"{tmp_path}{path}" for path in ("/etc/mime.types", "/etc/letsencrypt", "/var/www/html")}

    def localized(text: str) -> str:
        for there, place in here.items():
            text = text.replace(there, place)
        text = re.sub(r"\bUser .*", f"User {local_installation.user}", text)
        return re.sub(r"\bGroup .*", f"Group {local_installation.group}", text)

    one = moved(layout(name), f"{tmp_path}/root")
    certbot = next(path for path in one.files if path.endswith("options-ssl-apache.conf"))
    files = {here.get(path, localized(path)): text for path, text in one.files.items() if not path.endswith(".load")}
    text = "".join([one.base, *files.values()])
    wanted = {*modules_for(text, available=local_installation.loadable), *one.modules, "ssl", "mpm_event"}
    loads = [
        f"LoadModule {module}_module {path}\n"
        for module, path in local_installation.loadable.items()
        if module in wanted
    ]
    extra = [path for path in files if "/conf/extra/" in path]
    includes = [f"Include {path}\n" for path in (certbot, *extra)]
    base = beside(one, without=(), listened={443} if extra else (), wanted=()).base
    files[one.main] = "".join([f"ServerRoot {one.server_root}\n", *loads, base, *includes])
    for folder in ("root/logs", "root/htdocs", "var/www/html"):
        (tmp_path / folder).mkdir(parents=True)
    for path, content in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(localized(content))
    env = {key: f"{tmp_path}/root/logs" if "/" in value else value for key, value in one.variables.items()}
    check = check_syntax(local_installation, one.main, env=env)
    assert check.ok, check.output


@pytest.mark.parametrize("name", NAMES)
def test_a_server_of_fragments_listens_for_http_and_tls(name: str) -> None:
    assert listened(layout(name)) == ["80", "443"]


@pytest.mark.parametrize("name", NAMES)
def test_ports_of_the_repository_are_neither_doubled_nor_missed(name: str) -> None:
    one = beside(layout(name), without=(), listened={443}, wanted={80, 443, 8443})
    assert listened(one) == ["80", "8443"]


@pytest.mark.parametrize("name", NAMES)
def test_all_of_a_layout_moves_with_its_server_root(name: str) -> None:
    old = layout(name)
    new = moved(old, "C:/Apache24")
    assert new.main.startswith("C:/Apache24/")
    assert not [path for path in new.files if path.startswith(f"{old.server_root}/")]
    assert not [word for one in directives_in(new.base) for word in one.arguments if word.startswith(old.server_root)]
    assert len(new.files) == len(old.files)


def test_debian_has_the_modules_that_links_of_a2enmod_lead_to() -> None:
    files = layout("debian").files
    assert (
        files["/etc/apache2/mods-available/ssl.load"] == "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"
    )
    assert "/etc/apache2/mods-available/proxy_http.load" in files
