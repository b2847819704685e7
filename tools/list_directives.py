"""Writes pytest_modssl/httpd/directives.json anew: which module of httpd each directive comes from.

Usage: `python tools/list_directives.py [HTTPD]`. Asks that httpd (`-L`) with all its own modules loaded, once per
MPM, and adds the directives that only the manual knows because no usual build has their module.
"""

# ruff: noqa: INP001 - a script, no package
from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

from pytest_modssl.httpd.installation import Installation, find_httpd, probe_installation

_TABLE = Path(__file__).parent.parent / "pytest_modssl" / "httpd" / "directives.json"

# httpd manual 2.4, mod_tls: experimental, on rustls, in no distribution's package of httpd.
_MANUAL = {
    "tls": "TLSCertificate TLSCiphersPrefer TLSCiphersSuppress TLSEngine TLSHonorClientOrder TLSOptions TLSProtocol "
    "TLSProxyCA TLSProxyCiphersPrefer TLSProxyCiphersSuppress TLSProxyEngine TLSProxyMachineCertificate "
    "TLSProxyProtocol TLSSessionCache TLSStrictSNI",
}
# mod_cgi and mod_cgid share directives; one of them serves by MPM, and mod_cgid has all of them.
_TWINS = {"cgi": "cgid"}


def directives_of(installation: Installation) -> dict[str, str]:
    """Directive, sections with their "<", -> module; the first of several MPMs that share one."""
    table: dict[str, str] = {}
    for mpm in installation.mpms:
        names = [name for name in sorted(installation.loadable) if not name.startswith("mpm_")]
        loads = [f"LoadModule {name}_module {installation.loadable[name]}\n" for name in (f"mpm_{mpm}", *names)]
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            # -L runs after the check that ErrorLog's folder exists.
            file.write("ErrorLog /dev/null\nServerName localhost\n" + "".join(loads))
            file.flush()
            output = installation.ask(["-L", "-f", file.name]).stdout
        for directive, source in re.findall(r"^(<?\w+) \((\w+)\.c\)$", output, re.MULTILINE):
            module = {"event": "mpm_event", "worker": "mpm_worker", "prefork": "mpm_prefork", "http_core": "http"}.get(
                source, {"util_ldap": "ldap"}.get(source, source.removeprefix("mod_"))
            )
            table.setdefault(directive, _TWINS.get(module, module))
    for module, names_of in _MANUAL.items():
        table.update((name, module) for name in names_of.split())
    return table


def main() -> None:
    """Writes the table."""
    installation = probe_installation(find_httpd(*sys.argv[1:]))
    directives = dict(sorted(directives_of(installation).items()))
    source = f"httpd {installation.version} ({installation.layout}), `httpd -L` with all modules; mod_tls: the manual"
    table = {"source": source, "modules": sorted({*installation.modules, *_MANUAL}), "directives": directives}
    _TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
