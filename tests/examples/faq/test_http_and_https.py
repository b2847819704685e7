"""One server answers HTTP and HTTPS, each with content of its own."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_answers

# A script's parent is a process of httpd's own: mod_cgid's daemon, of which a server has one.
PARENT = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s' \"$PPID\"\n"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", files={"index.html": "plain\n", "parent.cgi": PARENT}),
        VirtualHost(
            "www.example.test",
            tls=modssl_ca.issue("www.example.test"),
            files={"index.html": "secret\n", "parent.cgi": PARENT},
        ),
    )


def test_each_has_its_own_content(modssl_server):
    assert assert_answers(modssl_server, "http://www.example.test/").text == "plain\n"
    assert assert_answers(modssl_server, "https://www.example.test/").text == "secret\n"


def test_both_are_one_server(modssl_server):
    plain = assert_answers(modssl_server, "http://www.example.test/parent.cgi").text
    assert plain == assert_answers(modssl_server, "https://www.example.test/parent.cgi").text
