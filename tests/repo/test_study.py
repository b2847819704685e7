"""Configurations of repositories as a target serves them: what httpd makes of them, and what differs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.backends import Backends
from pytest_modssl.errors import ConfigError
from pytest_modssl.pki import CA
from pytest_modssl.repo.discover import discover
from pytest_modssl.repo.study import Study, study
from pytest_modssl.repo.wrapper import modules_to_load
from pytest_modssl.report.bug import bug_report
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server

    Studying = Callable[..., Study]

MAIN = """\
    ServerRoot "/etc/apache2"
    Listen 80
    Listen [::]:80
    Listen 443
    Listen 8443 https
    ServerName main.odd.example
    Include mods/*.load
    TypesConfig /dev/null
    ErrorLog "|/usr/bin/rotatelogs /var/log/apache2/error.%Y 86400"
    LogLevel error
    <Directory />
        Require all granted
    </Directory>
    Define LIVE /etc/letsencrypt/live
    Include vhosts/[0-9]*.conf
"""
SITE = """\
<VirtualHost *:443>
ServerName site.example
SSLEngine on
SSLCertificateFile /srv/site.pem
{}
</VirtualHost>
"""
LOADED = "authz_core alias dir headers log_config macro mime mpm_event rewrite setenvif socache_shmcb ssl unixd version"
HOSTS = {
    "10-continued.conf": """\
        <VirtualHost \\
            *:443>
            ServerName continued.odd.example
            ServerAlias *.wild.odd.example \\
                xn--bcher-kva.example
            SSLEngine on
            SSLCertificateFile ${LIVE}/continued/fullchain.pem
            SSLCertificateKeyFile ${LIVE}/continued/privkey.pem
            DocumentRoot /var/www/continued
        </VirtualHost>
        """,
    "20-macro.conf": """\
        <Macro Site $name $port>
        <VirtualHost *:$port>
            ServerName $name.odd.example
            SSLEngine on
            SSLCertificateFile ${LIVE}/$name/fullchain.pem
            SSLCertificateKeyFile ${LIVE}/$name/privkey.pem
            Header always set X-Site $name
        </VirtualHost>
        </Macro>
        Use Site one 443
        Use Site two 8443
        """,
    "30-addresses.conf": """\
        <VirtualHost 192.0.2.10:443>
            ServerName address.odd.example
            SSLEngine on
            SSLCertificateFile /etc/ssl/address.pem
            SSLCertificateKeyFile /etc/ssl/address.key
            Header always set X-Site address
        </VirtualHost>
        """,
    "40-conditions.conf": """\
        <IfModule mod_security2.c>
            SecRuleEngine On
        </IfModule>
        <IfDefine MAINTENANCE>
            Redirect 503 /
        </IfDefine>
        <IfVersion >= 2.4>
        # Grüße aus Zürich: C:\\Apache24\\conf
        <VirtualHost *:80>
            ServerName plain.odd.example
            <If "%{HTTP_HOST} == 'plain.odd.example'">
                Header always set X-Site plain
            </If>
            CustomLog "/var/log/apache2/plain.log" common
        </VirtualHost>
        </IfVersion>
        <VirtualHost _default_:80>
            Header always set X-Site nobody
        </VirtualHost>
        """,
}


def written(root: Path, main: str = MAIN, hosts: dict[str, str] = HOSTS, *, more: str = "") -> Path:
    """A repository in Debian's layout, one of its files with the line ends of Windows."""
    folder = root / "etc" / "apache2"
    for name in ("mods", "vhosts"):
        (folder / name).mkdir(parents=True)
    (folder / "apache2.conf").write_text(dedent(main) + dedent(more))
    for name in LOADED.split():
        (folder / "mods" / f"{name}.load").write_text(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        )
    for name, text in hosts.items():
        ends = "\r\n" if name.startswith("40") else "\n"
        (folder / "vhosts" / name).write_bytes(dedent(text).replace("\n", ends).encode())
    return root


@pytest.fixture
def studying(modssl_target: Target) -> Iterator[Studying]:
    """Studies the one configuration of a repository."""
    owner = Owner(new_run())
    made: list[Backends] = []

    def backends() -> Backends:
        if not made:
            made.append(Backends(owner.new_folder(), CA()))
        return made[0]

    def one(root: Path, **options: object) -> Study:
        (found,) = discover(root, **options).found  # type: ignore[arg-type] # as discover has them
        return study(modssl_target, found, backends)

    yield one
    for serving in made:
        serving.close()
    owner.close()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("odd"))


@pytest.fixture
def server(studying: Studying, odd: Path, modssl_target: Target) -> Iterator[Server]:
    running = modssl_target.launch(studying(odd).config)
    yield running
    running.stop()


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in root.rglob("*")
        if path.is_file()
    }


def test_httpd_tells_the_hosts_each_at_the_users_own_line(studying: Studying, odd: Path) -> None:
    found = studying(odd)
    assert found.refused is None
    told = [(one.name, one.port, one.tls, Path(one.origin.file).name, one.origin.line) for one in found.hosts]
    assert told == [
        ("continued.odd.example", 443, True, "10-continued.conf", 2),
        ("one.odd.example", 443, True, "20-macro.conf", 10),
        ("two.odd.example", 8443, True, "20-macro.conf", 11),
        ("address.odd.example", 443, True, "30-addresses.conf", 1),
        ("plain.odd.example", 80, False, "40-conditions.conf", 9),
        ("main.odd.example", 80, False, "40-conditions.conf", 17),
    ]
    assert found.hosts[0].names == ("continued.odd.example", "*.wild.odd.example", "xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("listen", "address", "tls"),
    [
        ("443", "*:443", True),
        ("192.0.2.10:443", "192.0.2.10:443", True),
        ("192.0.2.10:8443 https", "192.0.2.10:8443", True),
        ("192.0.2.10:443", "*:443", False),
        ("443", "192.0.2.10:443", False),
        ("8443 https", "192.0.2.10:8443", False),
    ],
)
def test_a_host_without_sslengine_has_the_protocol_of_the_listen_of_its_address(
    studying: Studying, tmp_path: Path, modssl_target: Target, listen: str, address: str, *, tls: bool
) -> None:
    main = MAIN.replace("Listen 443\n    Listen 8443 https\n", f"Listen {listen}\n")
    bare = f"<VirtualHost {address}>\nServerName bare.example\nSSLCertificateFile /srv/bare.pem\n</VirtualHost>\n"
    found = studying(written(tmp_path, main, {"10-bare.conf": bare}))
    assert [one.tls for one in found.hosts] == [tls]
    running = modssl_target.launch(found.config)
    try:
        shown = running.handshake("bare.example", port=found.hosts[0].reached)
    finally:
        running.stop()
    assert shown.failure == (None if tls else "not_tls")


def test_hosts_with_and_without_sslengine_are_found_beside_each_other(
    studying: Studying, tmp_path: Path, modssl_target: Target
) -> None:
    hosts = """
    <Macro Bare $name $port>
    <VirtualHost *:$port>
        ServerName $name.example
        SSLCertificateFile /srv/$name.pem
        Header always set X-Site $name
    </VirtualHost>
    </Macro>
    Use Bare one 443
    Use Bare two 8443
    <VirtualHost *:443>
        ServerName three.example
        SSLEngine on
        SSLCertificateFile /srv/three.pem
        Header always set X-Site three
    </VirtualHost>
    """
    found = studying(written(tmp_path, hosts={"10-hosts.conf": hosts}))
    assert [(one.name, one.tls) for one in found.hosts] == [(f"{one}.example", True) for one in ("one", "two", "three")]
    running = modssl_target.launch(found.config)
    try:
        answers = [running.get(f"https://{one.name}:{one.port}/").headers["X-Site"] for one in found.hosts]
    finally:
        running.stop()
    assert answers == ["one", "two", "three"]


def test_names_are_those_that_a_client_can_ask_for(studying: Studying, tmp_path: Path) -> None:
    host = """\
        <VirtualHost *:80>
            ServerName b\u00fccher.example
            ServerAlias a.example,b.example *.b\u00fccher.example caf_\u00e9.example my_app.example
        </VirtualHost>
        """
    study = studying(written(tmp_path, hosts={"10-names.conf": host}))
    (names,) = (one.names for one in study.hosts)
    assert names == ("xn--bcher-kva.example", "*.xn--bcher-kva.example", "my_app.example")
    assert study.config.virtual_hosts[0].aliases == names[1:]


def test_each_host_answers_by_its_own_name_with_its_own_certificate(server: Server) -> None:
    for name, port in (("one", 443), ("two", 8443), ("address", 443)):
        shown = server.handshake(f"{name}.odd.example", port=port)
        assert shown.failure is None, shown
        answer = server.get(f"https://{name}.odd.example:{port}/")
        assert answer.headers["X-Site"] == name
    assert server.handshake("a.wild.odd.example").failure is None
    assert server.get("http://plain.odd.example/").headers["X-Site"] == "plain"
    assert server.get("http://main.odd.example/").headers["X-Site"] == "nobody"


def test_nothing_of_the_repository_changes(studying: Studying, odd: Path, modssl_target: Target) -> None:
    before = hashes(odd)
    modssl_target.launch(studying(odd).config).stop()
    assert hashes(odd) == before


def test_a_define_of_the_user_counts(studying: Studying, odd: Path, modssl_target: Target) -> None:
    running = modssl_target.launch(studying(odd, defines=("MAINTENANCE",)).config)
    try:
        assert running.get("http://plain.odd.example/").status_code == 503
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("SSLProtocoll all\n", 16, "Invalid command 'SSLProtocoll'"),
        ("Include vhosts/missing.conf\n", 16, "missing.conf"),
        ("<VirtualHost *:443>\nSSLEngine on\n", 16, "was not closed"),
        ("SecRuleEngine On\n", 16, "SecRuleEngine"),
    ],
    ids=["unknown directive", "missing include", "section left open", "module not loaded"],
)
def test_a_configuration_that_httpd_refuses_is_told_at_the_users_line(
    studying: Studying, tmp_path: Path, more: str, line: int, said: str
) -> None:
    found = studying(written(tmp_path, more=more))
    assert found.refused is not None
    assert said in str(found.refused)
    assert f"{tmp_path}/etc/apache2/apache2.conf:{line}" in str(found.refused)


def test_directives_of_a_module_that_is_not_there_are_left_out_and_told(
    studying: Studying, tmp_path: Path, modssl_target: Target
) -> None:
    more = "LoadModule security2_module modules/mod_security2.so\nSecRuleEngine On\n"
    found = studying(written(tmp_path, more=more))
    assert found.refused is None, found.refused
    told = [str(one) for one in found.substitutions]
    assert any(one.startswith("LoadModule security2_module: left out") and "apache2.conf:16" in one for one in told)
    assert any(one.startswith("SecRuleEngine: left out") and "apache2.conf:17" in one for one in told)


def test_what_would_ask_others_is_replaced_and_told_at_its_line(
    studying: Studying, tmp_path: Path, modssl_target: Target
) -> None:
    more = """
    LoadModule authz_host_module modules/mod_authz_host.so
    SSLCipherSuite PROFILE=SYSTEM
    <Location /office>
        Require host office.example
    </Location>
    UseCanonicalName DNS
    """
    found = studying(written(tmp_path, more=more))
    assert found.refused is None, found.refused
    told = [str(one) for one in found.substitutions]
    for line, what in (
        (18, "SSLCipherSuite PROFILE=SYSTEM: DEFAULT"),
        (20, "Require host office.example: ip 192.0.2.1"),
    ):
        assert any(one.startswith(what) and f"apache2.conf:{line}" in one for one in told), told


def test_a_configuration_for_windows_runs_below_folders_that_are_called_like_its_drives(
    studying: Studying, tmp_path: Path
) -> None:
    text = """
    Define SRVROOT "c:/Apache24"
    ServerRoot "${SRVROOT}"
    Listen 443
    LoadModule ssl_module modules/mod_ssl.so
    LoadModule authz_core_module modules/mod_authz_core.so
    LoadModule socache_shmcb_module modules/mod_socache_shmcb.so
    DocumentRoot "${SRVROOT}/htdocs"
    LoadModule cache_disk_module modules/mod_cache_disk.so
    SSLSessionCache "shmcb:D:/cache/ssl(512000)"
    <VirtualHost *:443>
        ServerName windows.example
        SSLEngine on
        SSLCertificateFile "${SRVROOT}/conf/server.crt"
        SSLCertificateKeyFile "C:\\Apache24\\conf\\server.key"
    </VirtualHost>
    """
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "httpd.conf").write_bytes(dedent(text).replace("\n", "\r\n").encode())
    found = studying(tmp_path)
    assert found.refused is None, found.refused
    assert [one.name for one in found.hosts] == ["windows.example"]
    made = {one.path for one in found.config.made}
    assert {"/C:/Apache24/conf/server.crt", "/C:/Apache24/conf/server.key", "/C:/Apache24/htdocs", "/D:/cache"} <= made


def test_fragments_may_speak_of_modules_that_nothing_tells_of(
    studying: Studying, tmp_path: Path, modssl_target: Target
) -> None:
    site = "<VirtualHost *:80>\nServerName wsgi.example\nWSGIScriptAlias / /srv/app.wsgi\n</VirtualHost>\n"
    (tmp_path / "sites-enabled").mkdir()
    (tmp_path / "sites-enabled" / "wsgi.conf").write_text(site)
    found = studying(tmp_path)
    assert found.refused is None, found.refused
    assert any(str(one).startswith("WSGIScriptAlias: left out") for one in found.substitutions)


@pytest.mark.parametrize("path", ["proxy/front.conf", "conf.d/front.conf"])
def test_a_fragment_may_load_the_modules_that_it_needs_beside_those_of_its_main_file(
    studying: Studying, tmp_path: Path, path: str
) -> None:
    text = """
    LoadModule ssl_module modules/mod_ssl.so
    LoadModule auth_tickets_module modules/mod_auth_tickets.so
    <IfModule !headers_module>
        LoadModule headers_module modules/mod_headers.so
    </IfModule>
    Listen 443
    <VirtualHost *:443>
        ServerName front.example
        SSLEngine on
        SSLCertificateFile /srv/front.pem
        Header always set X-Front yes
        <Location /tickets>
            AuthTicketsFrom http://tickets.example/
        </Location>
    </VirtualHost>
    """
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text(dedent(text))
    found = studying(tmp_path)
    assert found.refused is None, found.refused
    assert [one.name for one in found.hosts] == ["front.example"]
    told = [str(one) for one in found.substitutions]
    assert any(one.startswith("LoadModule auth_tickets_module: left out") for one in told), told


def test_what_debian_has_compiled_in_is_loaded_where_another_httpd_has_not(
    studying: Studying, odd: Path, modssl_target: Target
) -> None:
    config, own = studying(odd).config, modssl_target.installation
    moved = {"unixd", "watchdog", "logio"} & own.static_modules
    loadable = {**own.loadable, **{name: Path(f"/modules/mod_{name}.so") for name in moved}}
    other = replace(own, loadable=loadable, static_modules=own.static_modules - moved)
    assert config.found.layout.name == "debian"
    assert moved <= {*modules_to_load(config, other)}
    assert not own.static_modules & {*modules_to_load(config, own)}


def test_fragments_that_staple_may_leave_the_cache_to_their_main_file(
    studying: Studying, tmp_path: Path, modssl_target: Target
) -> None:
    (tmp_path / "stapling.conf").write_text(SITE.format("SSLUseStapling on\nSSLStaplingResponderTimeout 2"))
    found = studying(tmp_path)
    assert found.refused is None, found.refused
    modssl_target.launch(found.config).stop()


@pytest.mark.parametrize("type_", ["shibboleth", "openid-connect"])
def test_who_would_log_in_by_a_module_that_is_not_there_is_kept_out(
    studying: Studying, tmp_path: Path, modssl_target: Target, type_: str
) -> None:
    guarded = f"""
        <Location /secure>
            AuthType {type_}
            Require {type_}
        </Location>
        <Location />
            AuthType {type_}
            Require valid-user
        </Location>
        <Location /repository>
            Dav {type_}
        </Location>
    """
    (tmp_path / "guarded.conf").write_text(SITE.format(guarded))
    found = studying(tmp_path)
    assert found.refused is None, found.refused
    told = {str(one).partition(" (")[0] for one in found.substitutions}
    why = "as this httpd has not the module that it comes from"
    assert f"Require {type_}: Require all denied, {why}" in told
    assert f"Dav {type_}: left out, {why}" in told
    assert f"AuthType {type_}: Basic, as this httpd has not its module" in told
    server = modssl_target.launch(found.config)
    try:
        statuses = [server.get(f"https://site.example/{path}").status_code for path in ("", "secure/")]
    finally:
        server.stop()
    assert statuses[0] == 401
    assert statuses[1] in {401, 403}


def test_an_empty_folder_of_the_repository_is_there_and_has_a_page(
    studying: Studying, tmp_path: Path, modssl_target: Target
) -> None:
    host = """
    <VirtualHost *:80>
        ServerName empty.example
        DocumentRoot /etc/apache2/htdocs/empty
        Alias /full /etc/apache2/htdocs/full
    </VirtualHost>
    """
    written(tmp_path, hosts={"10-empty.conf": host}, more="Include vhosts/more\nDocumentRoot htdocs/empty\n")
    for folder in ("htdocs/empty/images", "htdocs/full", "vhosts/more"):
        (tmp_path / "etc/apache2" / folder).mkdir(parents=True)
    (tmp_path / "etc/apache2/htdocs/full/page.html").write_text("full")
    found = studying(tmp_path)
    assert found.refused is None, found.refused
    running = modssl_target.launch(found.config)
    try:
        answers = [running.get(f"http://empty.example/{path}") for path in ("", "full/page.html")]
    finally:
        running.stop()
    assert [(one.status_code, "full" in one.text) for one in answers] == [(200, False), (200, True)]


def test_names_of_hosts_that_the_environment_gives_have_stand_ins(studying: Studying, tmp_path: Path) -> None:
    text = """
    <VirtualHost *:80>
        ServerName ${SITE_NAME}
        ServerAlias www.${SITE_NAME} ${STAGE}.shop.example
        Redirect permanent / https://${SITE_NAME}/
    </VirtualHost>
    """
    (tmp_path / "site.conf").write_text(dedent(text))
    found = studying(tmp_path)
    assert [one.names for one in found.hosts] == [
        ("site-name.example", "www.site-name.example", "stage.shop.example"),
    ]
    told = [str(one) for one in found.substitutions]
    assert any(one.startswith("${SITE_NAME}: site-name.example, as nothing defines it") for one in told), told
    assert any("--modssl-env STAGE=..." in one and "site.conf:4" in one for one in told), told
    given = studying(tmp_path, variables={"SITE_NAME": "shop.example", "STAGE": "beta"})
    assert given.hosts[0].names == ("shop.example", "www.shop.example", "beta.shop.example")
    assert not given.config.assumed


def test_a_variable_that_nothing_defines_is_told_where_httpd_refuses_what_it_leaves(
    studying: Studying, tmp_path: Path
) -> None:
    (tmp_path / "site.conf").write_text(SITE.format("<Location /status>\nRequire ip ${OFFICE_NETWORK}\n</Location>"))
    found = studying(tmp_path)
    assert "nothing defines ${OFFICE_NETWORK}" in str(found.refused)
    assert "site.conf:6: Require ip ${OFFICE_NETWORK}" in str(found.refused)
    assert "--modssl-env NAME=value" in str(found.refused)


def test_httpd_is_not_asked_without_end(studying: Studying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_modssl.repo.study._MOST_QUESTIONS", 1)
    more = "LoadModule security2_module modules/mod_security2.so\nSecRuleEngine On\n"
    with pytest.raises(ConfigError, match=r"asked 1 times.*SecRuleEngine"):
        studying(written(tmp_path, more=more))


def test_what_a_back_end_received_can_be_seen(studying: Studying, tmp_path: Path, modssl_target: Target) -> None:
    more = """
    LoadModule proxy_module modules/mod_proxy.so
    LoadModule proxy_http_module modules/mod_proxy_http.so
    <VirtualHost *:80>
        ServerName proxy.odd.example
        ProxyPass / http://app.internal.odd.example:8080/base/
        ProxyPassReverse / http://app.internal.odd.example:8080/base/
    </VirtualHost>
    """
    found = studying(written(tmp_path, more=more))
    running = modssl_target.launch(found.config)
    try:
        answer = running.get("http://proxy.odd.example/path?x=1")
    finally:
        running.stop()
    assert answer.status_code == 200
    assert "app.internal.odd.example:8080" in answer.text
    assert "/base/path?x=1" in answer.text


def test_no_file_of_the_machine_itself_is_read(studying: Studying, tmp_path: Path, modssl_target: Target) -> None:
    if not isinstance(modssl_target, LocalTarget):
        pytest.skip("a container has no file of this machine")
    ups = "../" * 12
    more = f"""
    IncludeOptional {ups}etc/passw[d]
    <VirtualHost *:80>
        ServerName up.odd.example
        DocumentRoot {ups}etc
        Alias /up /var/{ups}etc
        Alias /over ../../{ups}etc
    </VirtualHost>
    """
    found = studying(written(tmp_path, more=more))
    running = modssl_target.launch(found.config)
    try:
        answers = [running.get(f"http://up.odd.example{path}/passwd") for path in ("", "/up", "/over")]
    finally:
        running.stop()
    assert [answer.status_code for answer in answers] == [404] * 3


def test_a_bug_report_has_no_secret_of_a_repository(studying: Studying, tmp_path: Path, modssl_target: Target) -> None:
    more = """
    Define API_TOKEN 7f3c9b2e51d84a06
    <VirtualHost *:80>
        ServerName api.odd.example
        Header set X-Debug ${API_TOKEN}
    </VirtualHost>
    """
    found = studying(written(tmp_path, more=more))
    running = modssl_target.launch(found.config)
    try:
        report = bug_report(running)
    finally:
        running.stop()
    assert "X-Debug" in report
    assert "7f3c9b2e51d84a06" not in report


def test_logs_go_to_no_program(studying: Studying, odd: Path, modssl_target: Target, server: Server) -> None:
    server.get("http://plain.odd.example/")
    server.end_test()
    assert server.log.records is not None
    dumped = {(one.name, one.words[0]) for one in server.instance.dump() if one.name in {"ErrorLog", "CustomLog"}}
    assert not [words for _, words in dumped if words.startswith("|")]
