"""What a back end is known by: the part of its URL before the path, or the socket that stands for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from pytest_modssl.errors import BackendError


class Scheme(NamedTuple):
    """How the back ends of a URL's scheme are spoken to.

    Attributes:
        protocol: "http", "fcgi", "ajp", "scgi" or "uwsgi".
        port: where httpd connects if the URL names none.
        tls: whether TLS is beneath.
    """

    protocol: str
    port: int
    tls: bool = False


SCHEMES: Final = {
    "http": Scheme("http", 80),
    "https": Scheme("http", 443, tls=True),
    "ws": Scheme("http", 80),
    "wss": Scheme("http", 443, tls=True),
    "fcgi": Scheme("fcgi", 8000),
    "ajp": Scheme("ajp", 8009),
    "scgi": Scheme("scgi", 4000),
    "uwsgi": Scheme("uwsgi", 3031),
}
"""The schemes that there are stand-ins for; ports as in httpd 2.4: manual pages of mod_proxy_ajp, mod_proxy_scgi,
`FCGI_DEFAULT_PORT` in mod_proxy_fcgi.c, `UWSGI_DEFAULT_PORT` in mod_proxy_uwsgi.c."""

# ws and http are two ways to speak to one server.
_SAME: Final = {"ws": "http", "wss": "https"}
_URL = re.compile(
    r"(?:unix:(?P<socket>[^|]*)\|)?(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/@?#\s]*@)?"
    r"(?P<authority>(?:[%$]\{[^}]*\}|[^/?#])*)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|(?:[%$]\{[^}]*\}|[^:])*):?(?P<port>.*)", re.DOTALL)
# What is put in behind a host or port and ends the URL is its path: http://app:8080$1, https://app%{REQUEST_URI}.
_PATH = re.compile(r"%\{REQUEST_URI\}.*|(?<=.)[$%][0-9]\Z", re.DOTALL)
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """What a back end is known by.

    Attributes:
        scheme: "http", "https", "fcgi", "ajp", "scgi" or "uwsgi"; a WebSocket's is that of HTTP.
        host: in lower case, an IPv6 address in brackets. What httpd puts in later stands as written: "$1.internal".
        port: as a number, that of the scheme where none is given; as text where httpd puts it in later: "$2".
        socket: path of the unix socket that the configuration names; empty where it names none. Host and port say
            nothing then.
    """

    scheme: str
    host: str
    port: int | str
    socket: str = ""

    @classmethod
    def parse(cls, url: str) -> BackendAddress:
        """The back end of a URL, which may begin with `unix:PATH|` as in a configuration.

        Raises:
            BackendError: it is no URL, or there is no stand-in for its scheme.
        """
        match = _URL.match(url)
        if match is None:
            raise BackendError(f"{url!r} names no back end: write SCHEME://HOST:PORT/, or unix:SOCKET|SCHEME://HOST/")
        scheme = match["scheme"].lower()
        if scheme not in SCHEMES:
            raise BackendError(
                f"{url!r}: there is no stand-in for a back end that speaks {scheme}; there are for {', '.join(SCHEMES)}"
            )
        authority = match["authority"] if match["rest"] else _PATH.sub("", match["authority"])
        parts = _AUTHORITY.match(authority)
        host, port = (parts["host"], parts["port"]) if parts else ("", "")
        return cls(
            _SAME.get(scheme, scheme),
            host if "$" in host or "%" in host else host.lower(),
            int(port) if _PORT.fullmatch(port) else port or SCHEMES[scheme].port,
            match["socket"] or "",
        )

    @property
    def varies(self) -> bool:
        """Whether httpd puts in host or port only when it is asked: one stand-in answers for all of them."""
        return "$" in self.host or "%" in self.host or not isinstance(self.port, int)

    def __str__(self) -> str:
        if self.socket:
            return f"unix:{self.socket}|{self.scheme}:"
        usual = self.port == SCHEMES[self.scheme].port
        return f"{self.scheme}://{self.host}" + ("" if usual else f":{self.port}")
