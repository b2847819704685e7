"""The pass phrase is changed: the old one opens the key no more, the new one does, and the key is the same."""

import pytest

from pytest_modssl import File, PrivateKey, ServerConfig, StartError, VirtualHost, assert_key_matches, generate_key
from pytest_modssl.errors import PkiError

OLD = generate_key("rsa-2048").encrypted("the old one")
NEW = PrivateKey.load(OLD.pem, "the old one").encrypted("the new one")


def test_only_the_new_one_opens_it():
    assert_key_matches(OLD, PrivateKey.load(NEW.pem, "the new one"))
    with pytest.raises(PkiError, match="no private key that this pass phrase opens"):
        PrivateKey.load(NEW.pem, "the old one")


@pytest.mark.parametrize("told", ["the old one", "the new one"])
def test_httpd_starts_with_the_new_one_alone(modssl_server_factory, modssl_ca, told):
    leaf = modssl_ca.issue("www.example.test", key=NEW)
    program = File(f"#!/bin/sh\necho '{told}'\n".encode(), executable=True)
    config = ServerConfig(
        VirtualHost("www.example.test", tls=leaf, files={"phrase": program}),
        directives="SSLPassPhraseDialog exec:${MODSSL_RUN}/../sites/0-www.example.test/phrase",
    )
    if told == "the new one":
        assert modssl_server_factory(config).get("https://www.example.test/").status_code == 200
    else:
        with pytest.raises(StartError, match="AH02580"):
            modssl_server_factory(config)
