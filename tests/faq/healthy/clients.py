"""What some clients get that others do not, passwords where they are safe, and no compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import (
    ServerConfig,
    VirtualHost,
    assert_clean_shutdown,
    assert_never_on_wire,
    assert_no_compression,
    assert_unclean_shutdown,
)
from tests.faq.healthy._model import NAME, Healthy, over_tls

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

URL = f"https://{NAME}/"
OLD_MSIE = "Mozilla/4.0 (compatible; MSIE 4.01; Windows 95)"
WORKAROUND = 'BrowserMatch "MSIE [2-5]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0'
MEMBERS = """
    <Location />
        AuthType Basic
        AuthName Members
        AuthUserFile /dev/null
        Require valid-user
    </Location>
"""


def _both_schemes(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, directives=MEMBERS), VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=MEMBERS)
    )


def _password_over_tls(server: Server) -> None:
    with server.capture():
        assert server.get(f"http://{NAME}/").status_code == 401
        server.log.expect("AH01618")  # nobody has that name
        assert server.get(URL, auth=("alice", "open sesame")).status_code == 401
    assert_never_on_wire(server, "open sesame")


def _old_and_new(server: Server) -> None:
    assert_unclean_shutdown(server, URL, user_agent=OLD_MSIE)
    assert_clean_shutdown(server, URL, user_agent="Mozilla/5.0 (compatible; MSIE 10.0)")


def _clean_for_all(server: Server) -> None:
    assert_clean_shutdown(server, URL, user_agent=OLD_MSIE, keep_alive=False)


def _nothing_compressed(server: Server) -> None:
    assert_no_compression(server, NAME)


HEALTHY = (
    Healthy("a password that is sent over TLS, and asked for everywhere", _both_schemes, _password_over_tls),
    Healthy("old versions of MSIE and all others", over_tls(WORKAROUND), _old_and_new),
    Healthy("no workaround, and no keep-alive", over_tls("KeepAlive Off"), _clean_for_all),
    Healthy("no compression", over_tls("SSLCompression off"), _nothing_compressed),
    Healthy("no compression and TLS 1.3 alone", over_tls("SSLProtocol TLSv1.3"), _nothing_compressed),
)
