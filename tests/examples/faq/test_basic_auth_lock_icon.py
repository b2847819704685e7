"""The password reaches the server, and nobody on the way can read it."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_never_on_wire

# `htpasswd -nbs alice "open sesame"`
PASSWORDS = "alice:{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=\n"
MEMBERS = """
    <Location />
        AuthType Basic
        AuthName Members
        AuthUserFile "${MODSSL_SITE}/.htpasswd"
        Require valid-user
    </Location>
"""


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    leaf = modssl_ca.issue("www.example.test")
    return ServerConfig(
        VirtualHost("www.example.test", tls=leaf, directives=MEMBERS, files={".htpasswd": PASSWORDS}),
        VirtualHost("www.example.test", directives='Redirect permanent "/" "https://www.example.test/"'),
    )


def test_the_password_is_never_in_clear(modssl_server):
    with modssl_server.capture():
        asked = modssl_server.session().get("http://www.example.test/env.cgi")
        assert asked.status_code == 401
        page = modssl_server.get(asked.url, auth=("alice", "open sesame"))
    assert "=REMOTE_USER\n alice\n" in page.text
    assert_never_on_wire(modssl_server, "open sesame")
