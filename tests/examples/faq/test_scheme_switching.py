"""Relative links switch between HTTP and HTTPS, by the rules of the FAQ, and no visitor ends in a loop."""

import pytest

from pytest_modssl import (
    ServerConfig,
    VirtualHost,
    assert_no_redirect_loop,
    assert_switches_to_http,
    assert_switches_to_https,
)

NAME = "www.example.test"
OF_SERVER = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
    RewriteRule ^/(.*)_NOSSL$ http://%{SERVER_NAME}/$1 [R,L]
"""
OF_FOLDER = r"""
    <Directory "${MODSSL_SITE}">
        RewriteEngine on
        RewriteRule ^(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
        RewriteRule ^(.*)_NOSSL$ http://%{SERVER_NAME}/$1 [R,L]
    </Directory>
"""
PATHS = ["page.html", "folder/page.html", "page.html?a=b%20c&d=%2F", "a%20page.html", "100%25.html"]


@pytest.fixture(scope="module", params=[OF_SERVER, OF_FOLDER], ids=["in the virtual host", "in its folder"])
def server(request, modssl_server_factory, modssl_ca):
    return modssl_server_factory(
        ServerConfig(
            VirtualHost(NAME, directives=request.param),
            VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives=request.param),
        )
    )


def suffixed(path, suffix):
    page, mark, query = path.partition("?")
    return f"{page}{suffix}{mark}{query}"


@pytest.mark.parametrize("path", PATHS)
def test_to_https(server, path):
    assert_switches_to_https(server, f"http://{NAME}/{suffixed(path, '_SSL')}", to=f"https://{NAME}/{path}")


@pytest.mark.parametrize("path", PATHS)
def test_to_http(server, path):
    assert_switches_to_http(server, f"https://{NAME}/{suffixed(path, '_NOSSL')}", to=f"http://{NAME}/{path}")


def test_no_loop(server):
    assert_no_redirect_loop(server, f"https://{NAME}/page.html_SSL")
