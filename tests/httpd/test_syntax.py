from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.httpd.dumps import effective_config
from pytest_modssl.httpd.syntax import directives_in, split_arguments

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation

ANY_TEXT = st.text() | st.text(alphabet="<>/ \\\"'\n\r\t#ab\v\u00a0\u2028\x85", max_size=200)


def test_words_end_where_httpd_ends_them() -> None:
    assert split_arguments(r'a "b c"d \\x "\"\\\n" ' + "'it\\'s' \"\" 'open") == (
        "a",
        "b c",
        "d",
        r"\x",
        '"\\\\n',
        "it's",
        "",
        "open",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A b\\\nc\n", [("A", ("bc",), 1, 2)]),
        ("# no \\\nB\nC", [("C", (), 3, 3)]),
        ("\\\n  # no\nC", [("C", (), 3, 3)]),
        ("A \\\r\n b\r\nC\r\n", [("A", ("b",), 1, 2), ("C", (), 3, 3)]),
        ("A \\", [("A", ("\\",), 1, 1)]),
        ("A \\\\\nb", [("A", ("\\b",), 1, 2)]),
        ("A b # c", [("A", ("b", "#", "c"), 1, 1)]),
        ("\ufeffA b", [("A", ("b",), 1, 1)]),
        ("A b\u00a0c\u2028d\x85e\x1cf", [("A", ("b\u00a0c\u2028d\x85e\x1cf",), 1, 1)]),
        ('<If "a > b">\n</If >', [("<If", ("a > b",), 1, 1), ("</If", (), 2, 2)]),
        ("<VirtualHost *:80> # x", [("<VirtualHost", ("*:80",), 1, 1)]),
        ("<VirtualHost>", [("<VirtualHost", (), 1, 1)]),
        ("<>\n<\n>", [("<", (), 1, 1), ("<", (), 2, 2), ("", (), 3, 3)]),
    ],
)
def test_lines_are_joined_as_httpd_joins_them(text: str, expected: list[tuple[str, tuple[str, ...], int, int]]) -> None:
    assert [(one.name, one.arguments, one.line, one.last) for one in directives_in(text)] == expected


def test_a_word_keeps_its_place_with_its_quotes_across_lines() -> None:
    text = 'A\tb \\\n "c\\\nd" e\\\n\n'
    (directive,) = directives_in(text)
    assert [text[word.start : word.end] for word in directive.words] == ["b", '"c\\\nd"', "e"]
    assert text[directive.start : directive.end] == 'A\tb \\\n "c\\\nd" e'


@given(ANY_TEXT)
def test_spans_reproduce_the_words_of_any_text(text: str) -> None:
    for directive in directives_in(text):
        ends = [directive.start]
        for word in directive.words:
            assert ends[-1] <= word.start <= word.end <= directive.end
            ends.append(word.end)
            written = re.sub(r"\\\r?\n", "", text[word.start : word.end])
            assert split_arguments(written) == (word.text,)
        assert text.count("\n", 0, directive.start) + 1 >= directive.line


@given(st.lists(st.tuples(st.sampled_from(["A", "B c", 'D "e f"', "<G h>", "</G>"]), st.sampled_from(["\n", "\r\n"]))))
def test_lines_are_numbered_whatever_ends_them(lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{line}{end}" for line, end in lines)
    assert [one.line for one in directives_in(text)] == list(range(1, len(lines) + 1))


def test_a_line_may_be_long() -> None:
    value = "x" * 1_000_000
    (directive,) = directives_in(f'SetEnv A "{value}\\"" {value}\n')
    assert [len(word) for word in directive.arguments] == [1, 1_000_001, 1_000_000]


def test_httpd_itself_splits_words_and_counts_lines_so(local_installation: Installation, tmp_path: Path) -> None:
    text = "\r\n".join(
        [
            "# comment \\",
            "ServerName swallowed.test",
            r"SetEnv plain C:\a\\b",
            r'SetEnv quoted "a \"b\" \\c \d"',
            r"SetEnv single 'it\'s'",
            'SetEnv joined "a \\',
            '  b"',
            'SetEnv "adj"acent',
            "\tSetEnv\tspace \u00a0",
            f'SetEnv long "{"x" * 20_000}"',
            '<Location "/a>b">',
            "</Location>",
            "ServerName end.test\\",
        ]
    )
    modules = f"ServerRoot {tmp_path}\nErrorLog error.log\n" + "".join(
        f"LoadModule {name}_module {local_installation.loadable[name]}\n"
        for name in ("mpm_event", "authz_core", "env", "headers")
        if name in local_installation.loadable
    )
    file = tmp_path / "httpd.conf"
    file.write_bytes((modules + text).encode())
    names = ("SetEnv", "ServerName", "ErrorLog")
    assert [(one.name, one.arguments, one.last) for one in directives_in(modules + text) if one.name in names] == [
        (one.name, one.words, one.line) for one in effective_config(local_installation, file) if one.name in names
    ]


def test_httpd_itself_takes_escapes_so(local_installation: Installation, tmp_path: Path) -> None:
    values = {"A": r'"x\"y\\z\d"', "B": r"C:\\a\b", "C": r"'it\'s'", "D": '"joined \\\n  b"', "E": r"'\"'"}
    quotes = dict.fromkeys(values, "'") | {"C": '"'}
    lines = [
        f"ServerRoot {tmp_path}",
        "ErrorLog error.log",
        *(
            f"LoadModule {name}_module {path}"
            for name, path in local_installation.loadable.items()
            if name in {"mpm_event", "env"}
        ),
        *(f"Define {name} {value}" for name, value in values.items()),
        *(f"SetEnv {name} {quote}${{{name}}}{quote}" for name, quote in quotes.items()),
    ]
    file = tmp_path / "httpd.conf"
    file.write_text("\n".join(lines))
    dumped = [one.arguments for one in effective_config(local_installation, file) if one.name == "SetEnv"]
    # httpd replaces a variable by its value and dumps that, so it shows what it took the quoted text for.
    taken = {name: split_arguments(value.replace("\\\n", ""))[0] for name, value in values.items()}
    assert dumped == [f"{name} {quote}{taken[name]}{quote}" for name, quote in quotes.items()]
