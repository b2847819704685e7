"""Directives of modules that are not httpd's own, by the names that these give them.

A repository of fragments does not say which modules its machine loads: what only such a module knows is no fault of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_OTHERS: Final = (
    r"AssignUserID",  # mpm_itk
    r"AuthzSVN\w+|SVN\w+",  # Subversion
    r"CAS\w+",  # mod_auth_cas
    r"DOS\w+",  # mod_evasive
    r"Fcgid\w+|FCGIWrapper",  # mod_fcgid
    r"FastCgi\w+",  # mod_fastcgi
    r"GeoIP\w+|MaxMind\w+",
    r"Gssapi\w+",  # mod_auth_gssapi
    r"Jk\w+",  # mod_jk
    r"Krb\w+|KrbMethod\w+",  # mod_auth_kerb
    r"Lsapi\w+|lsapi_\w+",  # CloudLinux's mod_lsapi
    r"Mellon\w+",  # mod_auth_mellon
    r"ModPagespeed\w*",
    r"OIDC\w+|OAuth2\w+",  # mod_auth_openidc
    r"Passenger\w+|Rails\w+|Rack\w+",
    r"Perl\w+",  # mod_perl
    r"php\d?_(?:admin_)?(?:value|flag)|PHPIniDir|suPHP_\w+",
    r"QS_\w+",  # mod_qos
    r"RPAF\w+|RPAF_\w+",
    r"Ruid2?\w*|RMode|RUidGid|RMinUidGid|RDocumentChRoot",  # mod_ruid2
    # ModSecurity
    r"Sec(?:Action|Argument|Audit|Collection|Component|Conn|Content|Cookie|Data|Debug|Default|Geo|Hash|Marker)\w*",
    r"Sec(?:Pcre|Read|Remote|Re(?:quest|sponse)|Rule|Sensor|Server|Status|Stream|Tmp|Unicode|Upload|Web|Write|Xml)\w*",
    r"Shib\w+|ShibURLScheme",
    r"WSGI\w+",
    r"XSendFile\w*",
)
_FOREIGN: Final = re.compile("|".join(f"(?:{one})" for one in _OTHERS), re.IGNORECASE)


# What AuthType is with httpd's own modules alone (manual, mod_authn_core).
_OWN_TYPES: Final = frozenset({"none", "basic", "digest", "form"})


def is_foreign_login(directive: str, words: Sequence[str]) -> bool:
    """Whether a directive has users log in by a module beside httpd's own: `AuthType shibboleth`.

    Args:
        directive: its name, in any case.
        words: its arguments, variables replaced as far as they are known.
    """
    return directive.lower() == "authtype" and bool(words) and words[0].lower() not in _OWN_TYPES


def is_foreign(directive: str) -> bool:
    """Whether a name, in any case, is one that a well-known module beside httpd's own gives its directives."""
    return _FOREIGN.fullmatch(directive) is not None
