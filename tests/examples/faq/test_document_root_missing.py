"""The host has content where its DocumentRoot says."""

from pytest_modssl import assert_answers


def test_front_page(modssl_server):
    assert_answers(modssl_server, "https://www.example.test/", status=200)
