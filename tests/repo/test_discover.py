from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import ConfigError
from pytest_modssl.repo.discover import discover
from pytest_modssl.repo.found import Discovery
from pytest_modssl.repo.reader import read_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.repo.found import Found

HOST = "<VirtualHost *:443>\n    ServerName www.example.com\n</VirtualHost>\n"
DEBIAN = "Include ports.conf\nIncludeOptional mods-enabled/*.load\nIncludeOptional sites-enabled/*.conf\n"
ENVVARS = 'SUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"\nexport APACHE_LOG_DIR=/srv/log$SUFFIX\n'
RHEL = 'ServerRoot "/etc/httpd"\nListen 80\nInclude conf.modules.d/*.conf\nIncludeOptional conf.d/*.conf\n'
IMAGE = 'ServerRoot "/usr/local/apache2"\nListen 80\nInclude conf/extra/httpd-ssl.conf\n'


def tree(root: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for name, target in (links or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    return root


def told(discovery: Discovery, root: Path) -> dict[str, str]:
    return {one.path.relative_to(root).as_posix(): one.reason for one in discovery.passed_over}


def deployed(found: Found) -> list[str]:
    """Where the repository's files stand, in the order in which httpd reads them."""
    return [file.deployed for file in read_configuration(found).files if file.path is not None]


def trees(found: Found) -> dict[str, str]:
    return {path: folder.relative_to(found.root).as_posix() for path, folder in found.trees.items()}


def only(discovery: Discovery) -> Found:
    (found,) = discovery.found
    return found


def test_a_repository_without_configuration_holds_nothing(tmp_path: Path) -> None:
    tree(tmp_path, {"README.md": "x", "redis.conf": "maxmemory 5\nappendonly yes\n", "app.config.js": HOST})
    assert discover(tmp_path) == discover(tmp_path / "gone") == Discovery((), ())


def test_debian_mirrored_with_links_modules_and_envvars(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "files/etc/apache2/apache2.conf": DEBIAN,
            "files/etc/apache2/ports.conf": "Listen 443",
            "files/etc/apache2/envvars": ENVVARS,
            "files/etc/apache2/sites-available/a.conf": HOST,
            "files/etc/apache2/sites-available/b.conf": HOST,
            "files/var/www/a/index.html": "",
        },
        {
            "files/etc/apache2/sites-enabled/a.conf": "../sites-available/a.conf",
            "files/etc/apache2/mods-enabled/ssl.load": "../mods-available/ssl.load",
        },
    )
    discovery = discover(tmp_path, defines=["X"], variables={"APACHE_RUN_USER": "me"})
    found = only(discovery)
    assert (found.title, found.layout.name, found.fragments) == ("files/etc/apache2/apache2.conf", "debian", ())
    assert trees(found) == {"/etc": "files/etc", "/var": "files/var"}
    assert found.defines == ("X",)
    assert found.variables["APACHE_LOG_DIR"] == "/srv/log"
    assert found.variables["APACHE_RUN_USER"] == "me"
    assert found.variables["APACHE_RUN_GROUP"] == "www-data"
    assert [
        (one.file.deployed, one.arguments)
        for one in read_configuration(found).statements
        if one.directive == "LoadModule"
    ] == [("/etc/apache2/mods-enabled/ssl.load", ("ssl_module", "/usr/lib/apache2/modules/mod_ssl.so"))]
    assert told(discovery, tmp_path) == {
        "files/etc/apache2/ports.conf": "included by files/etc/apache2/apache2.conf",
        "files/etc/apache2/sites-available/a.conf": "included by files/etc/apache2/apache2.conf",
        "files/etc/apache2/sites-enabled/a.conf": "included by files/etc/apache2/apache2.conf",
        "files/etc/apache2/sites-available/b.conf": "disabled: sites-enabled beside it has no link to it",
    }


def test_links_of_a2enmod_lead_to_what_debian_has_in_mods_available(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {"apache2/sites-available/a.conf": HOST},
        {
            "apache2/sites-enabled/a.conf": "../sites-available/a.conf",
            "apache2/mods-enabled/ssl.load": "../mods-available/ssl.load",
            "apache2/mods-enabled/ssl.conf": "../mods-available/ssl.conf",
        },
    )
    reading = read_configuration(only(discover(tmp_path)))
    told = [(one.file.deployed, one.arguments) for one in reading.statements if one.directive == "SSLCipherSuite"]
    assert told == [("/etc/apache2/mods-enabled/ssl.conf", ("HIGH:!aNULL",))]


def test_sites_that_only_the_machine_enables_are_all_run(tmp_path: Path) -> None:
    tree(tmp_path, {"apache2/apache2.conf": DEBIAN, "apache2/sites-available/a.conf": HOST})
    found = only(discover(tmp_path))
    assert deployed(found) == ["/etc/apache2/apache2.conf", "/etc/apache2/sites-enabled/a.conf"]


def test_debian_fragments_are_those_that_are_enabled(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "sites-available/a.conf": HOST,
            "sites-available/b.conf": HOST,
            "sites-available/b.conf.bak": HOST,
            "sites-enabled/plain": HOST,
            "conf-enabled/own.conf": "ServerTokens Prod\n",
        },
        {
            "sites-enabled/a.conf": "/etc/apache2/sites-available/a.conf",
            "sites-enabled/gone.conf": "/etc/apache2/sites-available/gone.conf",
            "sites-enabled/out.conf": "/etc/hostname",
        },
    )
    discovery = discover(tmp_path)
    found = only(discovery)
    assert (found.title, found.main, found.layout.name) == ("sites-enabled", None, "debian")
    assert found.fragments == (tmp_path / "sites-available/a.conf",)
    assert trees(found) == {"/etc/apache2": "."}
    assert deployed(found) == ["/etc/apache2/conf-enabled/own.conf", "/etc/apache2/sites-available/a.conf"]
    reasons = told(discovery, tmp_path)
    assert reasons.pop("sites-enabled/gone.conf").endswith("gone.conf, which the repository does not hold")
    assert reasons.pop("sites-enabled/out.conf") == "a symbolic link that leads out of the repository, to /etc/hostname"
    assert reasons == {
        "sites-available/b.conf": "disabled: sites-enabled beside it has no link to it",
        "sites-available/b.conf.bak": "a backup by its name, which nothing includes",
        "sites-enabled/plain": "its name does not end in .conf as those beside it do",
    }


def test_rhel_has_its_listener_unless_the_repository_listens(tmp_path: Path) -> None:
    root = tree(
        tmp_path, {"roles/web/files/etc/httpd/conf/httpd.conf": RHEL, "roles/web/files/etc/httpd/conf.d/a.conf": HOST}
    )
    found = only(discover(root))
    assert (found.layout.name, trees(found)) == ("rhel", {"/etc": "roles/web/files/etc"})
    assert "Listen 443 https" in found.layout.files["/etc/httpd/conf.d/ssl.conf"]
    assert read_configuration(found).missed == ()
    tree(tmp_path, {"roles/web/files/etc/httpd/conf.d/z.conf": "Listen 443 https\n"})
    assert "Listen" not in only(discover(root)).layout.files["/etc/httpd/conf.d/ssl.conf"]


def test_rhel_fragments_are_told_by_their_text(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "conf.d/a.conf": f"{HOST}SSLCertificateFile /etc/pki/tls/certs/a.crt\n",
            "conf.d/perl.conf": "PerlFoo x\n",
            "nginx/conf.d/default.conf": "server {\n  listen 80;\n}\n",
        },
    )
    discovery = discover(tmp_path)
    found = only(discovery)
    assert (found.title, found.layout.name, trees(found)) == ("conf.d", "rhel", {"/etc/httpd": "."})
    assert deployed(found) == ["/etc/httpd/conf.d/a.conf", "/etc/httpd/conf.d/perl.conf"]
    assert told(discovery, tmp_path) == {"nginx/conf.d/default.conf": "nginx's language, not httpd's"}


def test_a_flat_main_file_of_the_image_finds_its_includes(tmp_path: Path) -> None:
    text = f"{IMAGE}Include conf/sites/*.conf\nInclude /vhosts/*.conf\nInclude conf/extra/httpd-mpm.conf\n"
    tree(
        tmp_path,
        {
            "httpd.conf": text,
            "extra/httpd-ssl.conf": "Listen 443\n",
            "extra/httpd-vhosts.conf": HOST,
            "sites/a.conf": HOST,
            "vhosts/b.conf": HOST,
            "public-html/index.html": "",
        },
    )
    discovery = discover(tmp_path)
    found = only(discovery)
    assert deployed(found) == [
        "/usr/local/apache2/conf/httpd.conf",
        "/usr/local/apache2/conf/extra/httpd-ssl.conf",
        "/usr/local/apache2/conf/sites/a.conf",
        "/vhosts/b.conf",
    ]
    assert found.trees["/usr/local/apache2/htdocs"] == tmp_path / "public-html"
    assert read_configuration(found).missed == ()
    assert told(discovery, tmp_path)["extra/httpd-vhosts.conf"] == "no Include of httpd.conf reaches it"


def test_the_server_root_of_a_main_file_counts(tmp_path: Path) -> None:
    text = 'Define SRVROOT "c:/Apache24"\nServerRoot "${SRVROOT}"\nListen 80\nInclude conf/extra/*.conf\n'
    tree(
        tmp_path,
        {"conf/httpd.conf": text + 'Include "${SRVROOT}/conf/extra/httpd-mpm.conf"', "conf/extra/a.conf": HOST},
    )
    found = only(discover(tmp_path))
    assert (found.layout.server_root, trees(found)) == ("/C:/Apache24", {"/C:/Apache24": "."})
    assert deployed(found) == ["/C:/Apache24/conf/httpd.conf", "/C:/Apache24/conf/extra/a.conf"]
    assert "/C:/Apache24/conf/extra/httpd-info.conf" not in found.layout.files


def test_several_main_files_and_loose_fragments_each_have_a_title(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "a/httpd.conf": f"{RHEL}Include conf/b.conf\n",
            "b/conf/httpd.conf": 'Listen 80\nLoadModule x y\nInclude "extra.conf"\n',
            "one.conf": HOST,
            "two.conf": HOST,
            "x/site.conf": f"ErrorLog ${{APACHE_LOG_DIR}}/x\n{HOST}",
            "x/rest.conf": "ServerTokens Prod\n",
        },
    )
    discovery = discover(tmp_path)
    assert [(one.title, one.layout.name) for one in discovery.found] == [
        ("a/httpd.conf", "rhel"),
        ("b/conf/httpd.conf", "image"),
        (tmp_path.name, "image"),
        ("x/site.conf", "debian"),
    ]
    assert told(discovery, tmp_path) == {"x/rest.conf": "no <VirtualHost> in it, and nothing includes it"}


def test_a_main_file_that_another_includes_is_part_of_it(tmp_path: Path) -> None:
    tree(tmp_path, {"apache2.conf": f"{DEBIAN}Include httpd.conf\n", "httpd.conf": "Listen 80\n"})
    discovery = discover(tmp_path)
    assert only(discovery).title == "apache2.conf"
    assert told(discovery, tmp_path) == {"httpd.conf": "included by apache2.conf"}


def test_what_cannot_be_run_is_told_with_the_reason(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "templates/a.conf.j2": HOST,
            "templates/b.conf": HOST.replace("www", "{{ name }}"),
            "templates/c.conf": HOST.replace("www", "<%= @name %>"),
            "templates/d.conf": HOST.replace("www", "@@NAME@@"),
            "templates/fine.conf": f"# {{{{ old }}}}\n{HOST}",
            "tests/e.conf": HOST,
            "node_modules/f.conf": HOST,
            ".git/g.conf": HOST,
            "venv/pyvenv.cfg": "",
            "venv/h.conf": HOST,
            "i.conf": f"{HOST}\0",
            "j.conf~": HOST,
        },
        {"loop.conf": "loop.conf"},
    )
    with (tmp_path / "large.conf").open("wb") as large:
        large.truncate(10_000_001)
    os.mkfifo(tmp_path / "pipe.conf")
    discovery = discover(tmp_path)
    assert only(discovery).fragments == (tmp_path / "templates/fine.conf",)
    template = "yet to be replaced: name its rendered form as configuration"
    reasons = told(discovery, tmp_path)
    assert reasons.pop("loop.conf")
    assert reasons == {
        "templates/a.conf.j2": "a template by its name: name its rendered form as configuration",
        "templates/b.conf": f"a template, {{{{ name }}}} is {template}",
        "templates/c.conf": f"a template, <%= is {template}",
        "templates/d.conf": f"a template, @@NAME@@ is {template}",
        "tests/e.conf": "in a folder for tests",
        "i.conf": "not text",
        "j.conf~": "a backup by its name, which nothing includes",
        "large.conf": "cannot be read: larger than 10 MB",
        "pipe.conf": "not a regular file",
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ServerName [% name %]", "[% name %]"),
        ("ServerName ((((key)))).local", "((((key))))"),
        ("ServerName <DOMAIN>", "<DOMAIN>"),
        ("ServerAlias www.{DOMAIN_NAME}", "{DOMAIN_NAME}"),
        ("ServerName %NAME%", "%NAME%"),
        ("ServerName @FQDN@", "@FQDN@"),
        ("ServerName __SERVER_NAME__", "__SERVER_NAME__"),
    ],
)
def test_a_name_that_a_script_is_to_put_in_makes_a_template(tmp_path: Path, text: str, what: str) -> None:
    found = discover(tree(tmp_path, {"site.conf": f"<VirtualHost *:80>\n{text}\n</VirtualHost>\n"}))
    assert not found.found
    assert told(found, tmp_path)["site.conf"].startswith(f"a template, {what} is yet to be replaced")


def test_what_httpd_replaces_itself_makes_no_template(tmp_path: Path) -> None:
    text = (
        "<Macro Site $name %stage @zone>\n<VirtualHost *:80>\nServerName $name.%stage.@zone\n</VirtualHost>\n</Macro>\n"
        "<VirtualHost ${ADDRESS}:443>\nServerName www.${DOMAIN}\nServerAlias *.example.com\n</VirtualHost>\n"
    )
    assert len(discover(tree(tmp_path, {"site.conf": text})).found) == 1


def test_a_file_below_a_folder_of_httpd_is_told_by_what_it_says(tmp_path: Path) -> None:
    script = (
        "#!/bin/sh\nset -e\nname=$1\nmkdir -p /srv\ncat > /srv/site <<EOF\n" + HOST + "EOF\nservice apache2 reload\n"
    )
    found = discover(
        tree(
            tmp_path,
            {
                "deploy/apache2/shop.example.com": HOST,
                "deploy/apache2/site.tpl": HOST.replace("www", "{{ name }}"),
                "deploy/apache2/setup.sh": script,
                "deploy/other/shop.example.org": HOST,
            },
        )
    )
    assert [one.title for one in found.found] == ["deploy/apache2/shop.example.com"]
    assert told(found, tmp_path).keys() == {"deploy/apache2/site.tpl"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    tree(tmp_path, {"a.conf": HOST})
    (tmp_path / "a.conf").chmod(0)
    assert told(discover(tmp_path), tmp_path) == {"a.conf": "cannot be read: Permission denied"}


def test_what_is_named_wins_over_what_would_be_found(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {"httpd.conf": IMAGE, "tests/a.conf": HOST, "sites-available/b.conf": HOST, "sites-enabled/c.conf": HOST},
    )
    named = [Path("tests/a.conf"), tmp_path / "sites-available", Path("./httpd.conf"), Path("httpd.conf")]
    assert [one.title for one in discover(tmp_path, configs=named).found] == [
        "tests/a.conf",
        "sites-available",
        "httpd.conf",
    ]


def test_a_configuration_outside_of_the_repository_can_be_named(tmp_path: Path) -> None:
    tree(tmp_path, {"etc/httpd/conf/httpd.conf": RHEL, "etc/httpd/conf.d/a.conf": HOST, "repo/x": ""})
    found = only(discover(tmp_path / "repo", configs=[tmp_path / "etc/httpd/conf/httpd.conf"]))
    assert (found.root, found.title) == (tmp_path / "etc/httpd", "conf/httpd.conf")
    assert deployed(found) == ["/etc/httpd/conf/httpd.conf", "/etc/httpd/conf.d/a.conf"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("gone/httpd.conf", ["gone/httpd.conf", "is not there", "has: notes.conf, site.conf"]),
        ("notes.conf", ["notes.conf", "no directives that httpd knows"]),
        ("tmpl/a.conf", ["tmpl/a.conf", "a template, {{ x }}"]),
        ("tmpl", ["tmpl", "neither a main file", "tmpl/a.conf: a template"]),
    ],
)
def test_what_is_named_and_is_no_configuration_is_an_error(tmp_path: Path, named: str, words: list[str]) -> None:
    tree(tmp_path, {"site.conf": HOST, "notes.conf": "hello world\n", "tmpl/a.conf": "ServerName {{ x }}\n"})
    with pytest.raises(ConfigError) as caught:
        discover(tmp_path, configs=[Path(named)])
    assert [word for word in words if word not in str(caught.value)] == []


def test_files_of_other_kinds_cost_next_to_nothing(tmp_path: Path) -> None:
    for number in range(40):
        folder = tmp_path / f"src/{number}"
        folder.mkdir(parents=True)
        for name in range(50):
            (folder / f"{name}.js").touch()
    tree(tmp_path, {"httpd.conf": IMAGE})
    start = time.process_time()
    assert only(discover(tmp_path)).title == "httpd.conf"
    # 2,000 files; ten times as many are to take a second at most.
    assert time.process_time() - start < 0.1
