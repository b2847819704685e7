"""The variables that mod_ssl exports, what they hold, and directives that show them to a client that asks."""

from __future__ import annotations

import re
from typing import Literal

HEADER = "X-Modssl-Environment"
"""The request header that asks for the variables; they come in response headers of this name with a number."""

# Names from "Environment Variables" in mod_ssl's manual (httpd 2.4). A header carries the first attribute of a kind
# only, the first four alternative names and the first two of the client's chain: the manual's lists are endless.
_DN_PARTS = ("C", "ST", "L", "O", "OU", "CN", "T", "I", "G", "S", "D", "UID", "Email", "SerialNumber")
_CONNECTION = (
    "HTTPS",
    "SSL_TLS_SNI",
    "SSL_PROTOCOL",
    "SSL_CIPHER",
    "SSL_CIPHER_EXPORT",
    "SSL_CIPHER_USEKEYSIZE",
    "SSL_CIPHER_ALGKEYSIZE",
    "SSL_COMPRESS_METHOD",
    "SSL_SECURE_RENEG",
    "SSL_SESSION_ID",
    "SSL_SESSION_RESUMED",
    "SSL_VERSION_INTERFACE",
    "SSL_VERSION_LIBRARY",
    "SSL_SRP_USER",
    "SSL_SRP_USERINFO",
)
_CERTIFICATE = ("M_VERSION", "M_SERIAL", "V_START", "V_END", "A_KEY", "A_SIG", "S_DN", "I_DN")
_NAMES = tuple(f"SAN_{kind}_{n}" for kind in ("Email", "DNS") for n in range(4))
_PARTS = tuple(f"{whose}_DN_{part}" for whose in ("S", "I") for part in _DN_PARTS)
GROUPS: tuple[tuple[str, ...], ...] = (
    _CONNECTION,
    tuple(f"SSL_SERVER_{name}" for name in (*_CERTIFICATE, *_NAMES, "SAN_OTHER_dnsSRV_0", *_PARTS)),
    (
        "SSL_CLIENT_VERIFY",
        "SSL_CLIENT_V_REMAIN",
        *(f"SSL_CLIENT_{name}" for name in (*_CERTIFICATE, *_NAMES, "SAN_OTHER_msUPN_0", *_PARTS)),
    ),
    ("SSL_SERVER_CERT", "SSL_CLIENT_CERT", "SSL_CLIENT_CERT_CHAIN_0", "SSL_CLIENT_CERT_CHAIN_1"),
)


Kind = Literal["flag", "number", "serial", "time", "certificate", "text"]
"""What a variable holds: on or off, a whole number, a number in hex, a point in time, PEM, or text."""

# From the table "Environment Variables" in mod_ssl's manual (httpd 2.4); what is none of these is text.
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("flag", re.compile(r"HTTPS|SSL_CIPHER_EXPORT|SSL_SECURE_RENEG")),
    ("number", re.compile(r"SSL_CIPHER_(?:USE|ALG)KEYSIZE|SSL_(?:CLIENT|SERVER)_M_VERSION|SSL_CLIENT_V_REMAIN")),
    ("serial", re.compile(r"SSL_(?:CLIENT|SERVER)_M_SERIAL")),
    ("time", re.compile(r"SSL_(?:CLIENT|SERVER)_V_(?:START|END)")),
    ("certificate", re.compile(r"SSL_(?:CLIENT|SERVER)_CERT|SSL_CLIENT_CERT_CHAIN_\d+")),
)


def kind_of(name: str) -> Kind:
    """What the variable of a name holds."""
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(name)), "text")


def header_directives() -> str:
    """Directives that put the variables into every answer to a request with `X-Modssl-Environment: 1`.

    They need mod_headers and mod_ssl, go wherever `Header` may stand, and show nothing to other requests. Several
    variables share a field, parted by tabs, since clients limit the number of fields (Python's `http.client`: 100).
    `Header ... "expr=..."` is of httpd 2.4.10.
    """
    lines = []
    for number, names in enumerate(GROUPS, 1):
        value = r"\t".join(f"{name}=%{{{name}}}s" for name in names)
        lines.append(f"""Header always set {HEADER}-{number} "{value}" "expr=req_novary('{HEADER}') == '1'"\n""")
    return "".join(lines)
