"""Each port speaks the protocol of its URL, and answers in time."""

from pytest_modssl import assert_answers


def test_https_is_answered(modssl_server):
    assert_answers(modssl_server, "https://www.example.test/", timeout=2)


def test_http_is_answered(modssl_server):
    assert_answers(modssl_server, "http://www.example.test/", timeout=2)
