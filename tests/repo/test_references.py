"""The table of directives that name files: which words are paths, and of what."""

from __future__ import annotations

import re

import pytest

from pytest_modssl.httpd.modules import directive_names as all_directives
from pytest_modssl.repo.references import Need, directive_names, kind, kinds, paths_in

# Directive and words, and the paths in them with their kinds.
CASES: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    ("SSLCertificateFile", ("/etc/ssl/a.pem",), (("/etc/ssl/a.pem", "certificate"),)),
    ("sslcertificatekeyfile", ("private/a.key",), (("private/a.key", "key"),)),
    ("SSLCertificateFile", ("pkcs11:token=x",), ()),
    ("SSLOpenSSLConfCmd", ("DHParameters", "/etc/dh.pem"), (("/etc/dh.pem", "DH parameters"),)),
    ("SSLOpenSSLConfCmd", ("Curves", "X25519"), ()),
    ("SSLSessionCache", ("shmcb:/run/cache(512000)",), (("/run/cache", "cache file"),)),
    ("SSLSessionCache", ("shmcb:${RUN}/cache",), (("${RUN}/cache", "cache file"),)),
    ("SSLSessionCache", ("none",), ()),
    ("SSLSessionCache", ("memcache:localhost:11211",), ()),
    ("SSLPassPhraseDialog", ("builtin",), ()),
    ("SSLPassPhraseDialog", ("exec:/bin/ask",), (("/bin/ask", "pass phrase program"),)),
    ("SSLPassPhraseDialog", ("|/bin/ask -q",), (("/bin/ask", "pass phrase program"),)),
    ("SSLRandomSeed", ("startup", "file:/dev/urandom", "512"), (("/dev/urandom", "entropy file"),)),
    ("SSLRandomSeed", ("connect", "builtin"), ()),
    ("TLSCertificate", ("a.pem", "a.key"), (("a.pem", "certificate"), ("a.key", "key"))),
    ("ErrorLog", ("logs/error.log",), (("logs/error.log", "log file"),)),
    ("ErrorLog", (r"C:\Apache24\logs\error.log",), ((r"C:\Apache24\logs\error.log", "log file"),)),
    ("ErrorLog", ("syslog:local7",), ()),
    (
        "CustomLog",
        ("|/usr/bin/rotatelogs -l /var/log/a.%Y.log 86400", "combined"),
        (("/usr/bin/rotatelogs", "piped log"), ("/var/log/a.%Y.log", "log argument")),
    ),
    ("CustomLog", ("||/bin/cat --to=/x/y",), (("/bin/cat", "piped log"), ("/x/y", "log argument"))),
    ("RewriteMap", ("m", "txt:/etc/map.txt"), (("/etc/map.txt", "map file"),)),
    ("RewriteMap", ("m", "dbm=sdbm:/etc/map"), (("/etc/map", "DBM map"),)),
    ("RewriteMap", ("m", "prg:/bin/map /data"), (("/bin/map", "map program"), ("/data", "maybe"))),
    ("RewriteMap", ("m", "int:tolower"), ()),
    ("RewriteRule", ("^/x", "/var/www/x", "[L]"), (("/var/www/x", "maybe"),)),
    ("RewriteRule", ("^/x", "https://www.example.com/x", "[R]"), ()),
    ("RewriteRule", ("^/x", "unix:/run/s|http://h/", "[P]"), (("/run/s", "back-end socket"),)),
    ("RewriteCond", ("/var/www/down.html", "-f"), (("/var/www/down.html", "maybe"),)),
    ("RewriteCond", ("%{REQUEST_URI}", "^/var"), ()),
    ("<Directory", ("/home/*/www",), (("/home/*/www", "directory section"),)),
    ("Directory", ("~", "^/var/www/[0-9]+"), (("^/var/www/[0-9]+", "path pattern"),)),
    ("DirectoryMatch", ("^/var/www/",), (("^/var/www/", "path pattern"),)),
    ("Location", ("/status",), ()),
    ("Alias", ("/icons/", "/usr/share/icons/"), (("/usr/share/icons/", "alias target"),)),
    ("Alias", ("/usr/share/icons/",), (("/usr/share/icons/", "alias target"),)),
    ("Alias", ("/icons/", "${SHARE}/icons/"), (("${SHARE}/icons/", "alias target"),)),
    ("AliasMatch", ("^/u/(.*)", "/home/$1/www"), (("/home/$1/www", "alias template"),)),
    ("ScriptAlias", ("/cgi-bin/", "/usr/lib/cgi-bin/"), (("/usr/lib/cgi-bin/", "script target"),)),
    ("VirtualDocumentRoot", ("/www/%0/docs",), (("/www/%0/docs", "document root template"),)),
    ("VirtualDocumentRoot", ("none",), ()),
    ("UserDir", ("disabled", "root"), ()),
    ("UserDir", ("public_html",), ()),
    ("UserDir", ("/home/*/www",), (("/home/*/www", "user folders"),)),
    ("If", ("-f '/var/www/down' && %{A} == 'b'",), (("/var/www/down", "file asked for"),)),
    ("IfFile", ("!conf/extra.conf",), (("conf/extra.conf", "file asked for"),)),
    ("SetHandler", ("proxy:unix:/run/php.sock|fcgi://localhost",), (("/run/php.sock", "back-end socket"),)),
    ("ProxyPass", ("/", "http://app:8080/"), ()),
    ("Mutex", ("file:/run/lock", "default"), (("/run/lock", "lock folder"),)),
    ("Mutex", ("pthread", "ssl-cache"), ()),
    ("LoadModule", ("ssl_module", "modules/mod_ssl.so"), (("modules/mod_ssl.so", "module"),)),
    ("Use", ("Host", "www.example.com", "/srv/www"), (("/srv/www", "maybe"),)),
    ("Define", ("SRVROOT", "/usr/local/apache2"), (("/usr/local/apache2", "maybe"),)),
    ("ErrorDocument", ("404", "/missing.html"), ()),
    ("LogFormat", ("/%h", "x"), ()),
    ("DocumentRoot", (), ()),
)

# Names that sound of files and are none: media types, URLs, file names within any folder, switches, what is ignored.
NO_PATHS = """
    <AuthnProviderAlias <AuthzProviderAlias <Files <FilesMatch AcceptPathInfo AccessFileName AddDescription
    AliasPreservePath Anonymous_LogEmail AuthFormDisableNoStore AuthFormLoginRequiredLocation
    AuthFormLoginSuccessLocation AuthFormLogoutLocation AuthLDAPDereferenceAliases AuthzDBDLoginToReferer
    BrotliCompressionMaxInputBlock BufferedLogs CGIDScriptTimeout CGIScriptTimeout CacheDirLength CacheDirLevels
    CacheLock CacheLockMaxAge CacheMaxFileSize CacheMinFileSize CacheStoreExpired CacheStoreNoStore CacheStorePrivate
    DAVBasePath DAVLockDiscovery DirectoryCheckHandler DirectoryIndex DirectoryIndexRedirect DirectorySlash EnableMMAP
    EnableSendfile ErrorLogFormat FileETag H2CopyFiles H2MaxHeaderBlockLen H2SessionExtraFiles H2WebSockets ImapBase
    ImapDefault ImapMenu LDAPVerifyServerCert ListenBacklog LogFormat LogIOTrackTTFB LogLevel LogMessage
    MDCertificateAgreement MDCertificateAuthority MDCertificateCheck MDCertificateProtocol MDCertificateStatus
    MDPortMap MDProfile MDProfileMandatory MDStoreLocks MetaDir MetaFiles ModMimeUsePathInfo ProxyBlock
    ProxyFtpDirCharset ProxyHTMLURLMap ProxyPassReverseCookiePath ProxySCGISendfile ProxyWebsocketFallbackToProxyHttp
    SSLLog SSLLogLevel Script ScriptLogBuffer ScriptLogLength ServerAlias ServerPath xml2EncAlias
"""
SOUNDS_OF_FILES = re.compile(
    r"file|path|folder|dir(?!ect)|directory|root|log|sock|cert|script|alias|store|cmd|map|lock(?!ing)|cache.*type",
    re.IGNORECASE,
)


@pytest.mark.parametrize(("name", "words", "expected"), CASES, ids=lambda one: one if isinstance(one, str) else None)
def test_paths_are_found_in_the_words_of_a_directive_with_their_places(
    name: str, words: tuple[str, ...], expected: tuple[tuple[str, str], ...]
) -> None:
    found = paths_in(name, words)

    assert tuple((one.path, one.kind) for one in found) == expected
    assert [words[one.index][one.start : one.end] for one in found] == [path for path, _ in expected]


def test_every_kind_says_what_has_to_be_there() -> None:
    assert {one.needs for one in kinds()} == set(Need.__args__)  # type: ignore[attr-defined]
    assert kind("certificate").needs == "file"
    assert kind("socket").base == "DefaultRuntimeDir"


def test_the_table_knows_only_directives_that_httpd_has() -> None:
    known = {name.lstrip("<").lower() for name in all_directives()}

    assert [name for name in directive_names() if name.partition(" ")[0] not in known] == []


def test_no_directive_whose_name_sounds_of_files_is_left_out() -> None:
    known = {name.partition(" ")[0] for name in directive_names()}
    sounding = {name for name in all_directives() if SOUNDS_OF_FILES.search(name)}

    assert sorted(name for name in sounding if name.lstrip("<").lower() not in known) == NO_PATHS.split()
