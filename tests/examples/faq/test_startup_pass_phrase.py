"""A key with a pass phrase: httpd asks a program for it, which is called with the host and, for every key, RSA."""

import pytest

from pytest_modssl import File, ServerConfig, StartError, VirtualHost

DIALOG = "SSLPassPhraseDialog exec:${MODSSL_RUN}/../sites/0-www.example.test/phrase"
PROGRAM = File(
    b"""#!/bin/sh
[ "$*" = "www.example.test:443 RSA" ] && echo 'open sesame'
""",
    executable=True,
)


@pytest.fixture(scope="module", params=["ec-p256", "rsa-2048", "ed25519"])
def locked(modssl_ca, request):
    return modssl_ca.issue("www.example.test", key_type=request.param).with_pass_phrase("open sesame")


def test_nobody_is_asked_on_a_terminal(modssl_server_factory, locked):
    with pytest.raises(StartError, match=r"the private key of .* is encrypted"):
        modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=locked)))


def test_a_program_tells_the_pass_phrase(modssl_server_factory, locked):
    host = VirtualHost("www.example.test", tls=locked, files={"phrase": PROGRAM})
    server = modssl_server_factory(ServerConfig(host, directives=DIALOG))
    assert server.get("https://www.example.test/").status_code == 200
