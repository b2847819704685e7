"""What httpd needs around it to start: addresses, accounts, folders, modules."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding, Recogniser
from pytest_modssl.faq.recognise import ends_start, numbered, refused, shown
from pytest_modssl.httpd.modules import with_dependencies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

_UNDEFINED = re.compile(r"Cannot load (?P<file>\S+) into server: .*undefined symbol: (?P<symbol>\w+)")
_LOGS = frozenset({"errorlog", "customlog", "transferlog"})


def _no_log_folder(evidence: Evidence) -> Iterator[Finding]:
    pattern = r"Cannot access directory '(?P<folder>.*?)/?' for"
    for record, found in evidence.logged("AH02291", "AH02297", match=pattern) if not evidence.start.ready else ():
        folder = found["folder"]
        logs = [one for one in evidence.directives if one.name.lower() in _LOGS]
        used = next((one for one in logs if any(word.startswith(f"{folder}/") for word in one.words)), None)
        yield Finding(
            seen=(shown(record),),
            cause=f"{folder}, the folder of a log, is not there where the server runs",
            place=None if used is None else used.place,
        )
        return


def _several_mpms(evidence: Evidence) -> Iterator[Finding]:
    for record, _ in evidence.logged("AH00534") if not evidence.start.ready else ():
        loaded = [one for one in evidence.directives if one.name == "LoadModule" and one.words[0].startswith("mpm_")]
        yield Finding(
            seen=(shown(record),),
            cause=f"several MPMs are loaded: {', '.join(one.words[0] for one in loaded)}" if loaded[1:] else "",
            place=loaded[-1].place if loaded else None,
        )
        return


def _undefined_symbol(evidence: Evidence) -> Iterator[Finding]:
    problem = evidence.problem
    found = None if problem is None else _UNDEFINED.search(problem.message)
    if problem is None or found is None:
        return
    file = posixpath.basename(found["file"])
    module = file.removeprefix("mod_").removesuffix(".so")
    # Functions and variables of a module have its name in theirs: ap_proxy_canonenc, dav_push_error.
    other = next((one for one in with_dependencies([module]) if one in found["symbol"].split("_")), "")
    later = evidence.find("LoadModule", word=f"{other}_module") if other else None
    if not other:
        cause, remedy = f"{file} needs {found['symbol']}, which nothing that is loaded has", ""
    elif later is None:
        cause = f"{file} needs {found['symbol']} of mod_{other}, which is not loaded"
        remedy = f"load mod_{other} in a line before: LoadModule {other}_module ..., or a2enmod {other}"
    else:
        cause = f"{file} needs {found['symbol']} of mod_{other}, which is loaded only after it"
        remedy = "move its line behind that of the other" + (f", {later.place}" if later.place else "")
    seen = (numbered(problem.ah, problem.message),)
    yield Finding(seen=seen, cause=cause, place=evidence.trouble, remedy=remedy)


def _not_bound(reason: str, cause: str) -> Recogniser:
    """Recognises a start that failed as a `Listen` could not be bound, by the reason that the kernel gave."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        pattern = rf"{reason}.*could not bind to address (?P<address>\S+)"
        for record, found in evidence.logged("AH00072", match=pattern) if not evidence.start.ready else ():
            address = found["address"]
            # "[::]:99" is how httpd tells of `Listen 99`.
            used = evidence.find("Listen", word=address) or evidence.find("Listen", word=address.rpartition(":")[2])
            yield Finding(
                seen=(shown(record),), cause=cause.format(address=address), place=None if used is None else used.place
            )
            return

    return recognise


ENTRIES = (
    Entry(
        id="address-not-available",
        group="beyond",
        question="Why does httpd say that it cannot assign a requested address?",
        cause="Listen names an address that the server's machine does not have",
        remedy="name one of its own addresses in Listen, or the port alone",
        directives=("Listen",),
        numbers=("AH00072",),
        recognisers=(
            _not_bound("Cannot assign requested address", "no interface of the server's machine has {address}"),
        ),
    ),
    Entry(
        id="port-not-permitted",
        group="beyond",
        question="Why does httpd say Permission denied about an address of Listen?",
        cause="an ordinary user may not listen on a port below 1024",
        remedy="start httpd as root, or listen on a port from 1024 on; on Linux the bound is the sysctl "
        "net.ipv4.ip_unprivileged_port_start. A test's virtual hosts get higher ports where need be",
        directives=("Listen",),
        numbers=("AH00072",),
        recognisers=(_not_bound("Permission denied", "the account that starts httpd may not listen on {address}"),),
    ),
    Entry(
        id="address-not-resolved",
        group="beyond",
        question="Why does httpd fail to set up the address of a Listen?",
        cause="Listen names a host that cannot be resolved",
        remedy="write the address in figures: the server may start before it can resolve names",
        directives=("Listen",),
        numbers=("AH00077",),
        recognisers=(
            ends_start("AH00077", match=r"set up sockaddr for (?P<name>\S+)", cause="{name} cannot be resolved"),
        ),
    ),
    Entry(
        id="listen-malformed",
        group="beyond",
        question="Why does httpd not understand a Listen?",
        cause="Listen has no port, or one that is not between 1 and 65535",
        remedy="write Listen 443, Listen 192.0.2.1:443 or Listen [2001:db8::1]:443",
        directives=("Listen",),
        numbers=("AH00526",),
        recognisers=(refused(r"^(?:Port must be specified|Invalid address or port)"),),
    ),
    Entry(
        id="account-unknown",
        group="beyond",
        question="Why does httpd call a user or group name bad?",
        cause="the account in User or Group does not exist where the server runs",
        remedy="name one that exists: www-data on Debian, apache on Red Hat, daemon in httpd's own images",
        directives=("User", "Group"),
        numbers=("AH00543", "AH00544"),
        recognisers=(
            ends_start(
                "AH00543", match=r"bad user name (?P<name>\S+)", cause="there is no user {name}", directive="User"
            ),
            ends_start(
                "AH00544", match=r"bad group name (?P<name>\S+)", cause="there is no group {name}", directive="Group"
            ),
        ),
    ),
    Entry(
        id="several-mpms",
        group="beyond",
        question="Why does httpd say that more than one MPM is loaded, or none?",
        cause="httpd runs with one of mpm_event, mpm_worker and mpm_prefork, and several are loaded, or none is",
        remedy="load one of them: ServerConfig(mpm=...), or a2dismod the others",
        directives=("LoadModule",),
        numbers=("AH00534",),
        recognisers=(_several_mpms,),
    ),
    Entry(
        id="module-file-missing",
        group="beyond",
        question="Why can httpd not load a module into the server?",
        cause="the file is not there, or lacks a library that it needs",
        remedy="install the package that has the module; ServerConfig(modules=[...]) knows where its file is",
        directives=("LoadModule",),
        recognisers=(
            refused(
                r"Cannot load (?P<file>\S+) into server: (?P<why>(?!.*undefined symbol).*)",
                cause="{file} cannot be loaded where the server runs: {why}",
            ),
        ),
    ),
    Entry(
        id="module-symbol-undefined",
        group="beyond",
        question="Why does httpd say undefined symbol when it loads a module?",
        cause="the module needs another one that is not loaded before it, or was built for another httpd",
        remedy="load the other module in a line before; where none has the symbol, take the file of the same package "
        "or build as httpd: one for another release of httpd, or of OpenSSL, asks for what is not there",
        directives=("LoadModule",),
        recognisers=(_undefined_symbol,),
    ),
    Entry(
        id="module-name-wrong",
        group="beyond",
        question="Why does httpd not locate the API module structure of a module?",
        cause="the name in LoadModule is not that of the module in the file",
        remedy="write the name that the module's manual page has as its identifier, such as rewrite_module",
        directives=("LoadModule",),
        recognisers=(
            refused(
                r"Can't locate API module structure `(?P<name>.*?)' in file (?P<file>\S+?):",
                cause="{file} has no module {name}",
            ),
        ),
    ),
    Entry(
        id="server-root-missing",
        group="beyond",
        question="Why does httpd say that ServerRoot must be a valid directory?",
        cause="the folder in ServerRoot is not there",
        remedy="leave ServerRoot out of a test's configuration, or let it name a folder that the server sees",
        directives=("ServerRoot",),
        recognisers=(refused(r"^ServerRoot must be a valid directory"),),
    ),
    Entry(
        id="log-folder-missing",
        group="beyond",
        question="Why does httpd say that it cannot access the directory of a log?",
        cause="the folder of ErrorLog or CustomLog is not there",
        remedy='make the folder before httpd starts, or write into "${MODSSL_LOGS}"',
        directives=("ErrorLog", "CustomLog"),
        numbers=("AH02291", "AH02297"),
        recognisers=(_no_log_folder,),
    ),
    Entry(
        id="log-program-missing",
        group="beyond",
        question="Why can httpd not start the process of a log?",
        cause="the program behind the | of the log cannot be run",
        remedy="install the program, and name it with its path: |/usr/bin/rotatelogs",
        directives=("ErrorLog", "CustomLog"),
        numbers=("AH00089",),
        recognisers=(
            ends_start(
                "AH00089",
                match=r"start ErrorLog process '(?P<program>.*?)'",
                cause="{program} cannot be run",
                directive="ErrorLog",
            ),
        ),
    ),
    Entry(
        id="mutex-mechanism-unknown",
        group="beyond",
        question="Why does httpd call a Mutex argument invalid?",
        cause="Mutex names a mechanism that this httpd does not have",
        remedy="choose one of those that the message names, or default",
        directives=("Mutex",),
        numbers=("AH00526",),
        recognisers=(
            refused(r"^Invalid Mutex argument (?P<name>\S+)", cause="this httpd has no mutex mechanism {name}"),
        ),
    ),
    Entry(
        id="mime-types-missing",
        group="beyond",
        question="Why could httpd not open its mime types config file?",
        cause="the file in TypesConfig is not there",
        remedy="install the package that has it (Debian: media-types), or write TypesConfig /dev/null and AddType",
        directives=("TypesConfig",),
        numbers=("AH01597",),
        recognisers=(
            ends_start(
                "AH01597",
                match=r"config file (?P<file>\S+?)\.?$",
                cause="{file} cannot be opened where the server runs",
                directive="TypesConfig",
            ),
        ),
    ),
)
