"""The marker's arguments: what they become, and how a wrong one is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_modssl import requires
from pytest_modssl.httpd.requirements import Requirement
from pytest_modssl.marker import Marker, MarkerError, modssl, read_markers, read_requirements

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakeItem:
    """A test with marks, the innermost first, as `pytest.Item.iter_markers` gives them."""

    nodeid = "tests/test_shop.py::test_it"

    def __init__(self, *marks: pytest.MarkDecorator) -> None:
        self.marks = marks

    def iter_markers(self, name: str) -> Iterator[pytest.Mark]:
        return (one.mark for one in self.marks if one.name == name)


def read(*marks: pytest.MarkDecorator) -> list[Marker]:
    return read_markers(cast("pytest.Item", FakeItem(*marks)))


def test_a_bare_marker_asks_for_nothing() -> None:
    assert read(pytest.mark.modssl) == read(pytest.mark.modssl()) == [Marker("", None, fresh=False, errors=())]


def test_every_argument_arrives() -> None:
    pattern = re.compile("denied")
    marker = pytest.mark.modssl("SSLEngine on", host="a.test", fresh=True, errors=["AH01630", pattern])
    assert read(marker) == [Marker("SSLEngine on", "a.test", fresh=True, errors=("AH01630", pattern))]
    assert modssl(Path("host.conf")).directives == Path("host.conf")


def test_the_outermost_comes_first_and_other_markers_are_left_alone() -> None:
    marks = (pytest.mark.modssl("# inner"), pytest.mark.xfail, pytest.mark.modssl("# outer"))
    assert [one.directives for one in read(*marks)] == ["# outer", "# inner"]


@pytest.mark.parametrize(
    ("args", "options", "told"),
    [
        ((42,), {}, "directives is text or a Path, not 42"),
        ((None,), {}, "directives is text or a Path, not None"),
        ((), {"errors": "AH01630"}, "errors is a list of texts or compiled patterns, not 'AH01630'"),
        ((), {"errors": [42]}, r"errors is a list of texts or compiled patterns, not \[42\]"),
        ((), {"errors": 42}, "errors is a list of texts or compiled patterns, not 42"),
        ((), {"errors": re.compile("x")}, r"errors is a list of texts or compiled patterns, not re.compile\('x'\)"),
        (("", "a.test"), {}, "positional argument"),
        ((), {"nonsense": 1}, "unexpected keyword argument 'nonsense'"),
        ((), {"host": 42}, "host is a name or None, not 42"),
    ],
)
def test_a_wrong_argument_is_told_with_the_test_and_what_fits(
    args: tuple[object, ...], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(MarkerError, match=told) as caught:
        read(pytest.mark.modssl(*args, **options))
    assert str(caught.value).startswith("tests/test_shop.py::test_it: @pytest.mark.modssl: ")
    assert "its arguments are (directives: 'str | Path' = '', *, host:" in str(caught.value)


def test_requirements_are_read_from_the_marker_and_from_the_decorator() -> None:
    marks = (requires(httpd=">=2.4.66", module=["http2"]), pytest.mark.modssl_requires(target="docker"))
    item = cast("pytest.Item", FakeItem(*marks))
    assert read_requirements(item) == [
        Requirement(target=("docker",)),
        Requirement(httpd=">=2.4.66", module=("http2",)),
    ]


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"httpd": "2.4.66"}, "'2.4.66' is no version specifier such as"),
        ({"feature": "zip"}, "unknown feature 'zip': one of ssl, http2"),
        ({}, "nothing is required: name httpd, openssl, module, feature, mpm, target or program"),
        ({"modules": "ssl"}, r"unexpected keyword argument 'modules'; its arguments are \(\*, httpd: 'str' = ''"),
    ],
)
def test_a_wrong_requirement_is_told_with_the_test_and_what_fits(needs: dict[str, Any], told: str) -> None:
    item = cast("pytest.Item", FakeItem(pytest.mark.modssl_requires(**needs)))
    with pytest.raises(MarkerError, match=told) as caught:
        read_requirements(item)
    assert str(caught.value).startswith("tests/test_shop.py::test_it: @pytest.mark.modssl_requires: ")


def test_the_decorator_refuses_a_mistake_where_it_stands() -> None:
    with pytest.raises(ValueError, match="no version specifier"):
        requires(openssl="3.5")
