from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_modssl.httpd.problems import ConfigProblem, parse_config_error, resolve_macro

INVALID = "Invalid command '{}', perhaps misspelled or defined by a module not included in the server configuration"
WARNING = "[Mon Nov 23 22:40:54.089752 2026] [core:warn] [pid 1:tid 1] AH00111: Config variable ${N} is not defined\n"
UNNAMED = "AH00558: httpd: Could not reliably determine the server's fully qualified domain name\n"


@pytest.mark.parametrize(
    ("stderr", "problem"),
    [
        (
            "AH00526: Syntax error on line 6 of /a b/x.conf:\nInvalid address or port\n",
            ConfigProblem("/a b/x.conf", 6, "Invalid address or port", "AH00526"),
        ),
        (
            f"{WARNING}AH00526: Syntax error on line 3 of /x:\nListen requires 1 or 2 arguments.\n",
            ConfigProblem("/x", 3, "Listen requires 1 or 2 arguments.", "AH00526"),
        ),
        (
            "httpd: Syntax error on line 1 of /a: Syntax error on line 2 of /b: Cannot load m.so into server\n",
            ConfigProblem("/b", 2, "Cannot load m.so into server"),
        ),
        (
            "apache2: Syntax error on line 9 of /a: /b:4: <VirtualHost> was not closed.\n",
            ConfigProblem("/b", 4, "<VirtualHost> was not closed."),
        ),
        (
            f"{UNNAMED}(2)No such file or directory: AH02291: Cannot access directory\nAH00014: check failed\n",
            ConfigProblem(None, None, "Cannot access directory", "AH02291"),
        ),
        ("AH00526: Syntax error on line 6 of /x:", ConfigProblem("/x", 6, "", "AH00526")),
        ("Syntax OK\n", None),
        (f"{WARNING}{UNNAMED}Syntax OK\n", None),
        ("", None),
    ],
)
def test_what_httpd_says_becomes_a_place_and_a_message(stderr: str, problem: ConfigProblem | None) -> None:
    assert parse_config_error(stderr) == problem


def test_a_problem_prints_its_place_first_as_an_editor_reads_it() -> None:
    assert str(ConfigProblem("/x", 6, "no", "AH00526")) == "/x:6: AH00526: no"
    assert str(ConfigProblem("/x", None, "no")) == "/x: no"
    assert str(ConfigProblem(None, None, "no", "AH02291")) == "AH02291: no"


@pytest.mark.parametrize(
    ("directive", "words"),
    [
        ("RewriteEngine", "RewriteEngine comes from mod_rewrite, which is not loaded"),
        ("<IfVersion", "<IfVersion comes from mod_version"),
        ("SSLEngin", "has a directive SSLEngin; alike are SSLEngine"),
        ("Qwertyuiop", "none of httpd's own modules has a directive Qwertyuiop"),
    ],
)
def test_an_invalid_command_tells_its_module_or_its_likeness(directive: str, words: str) -> None:
    problem = ConfigProblem("/x", 1, INVALID.format(directive))
    assert problem.hint is not None
    assert problem.hint in str(problem)
    assert words in problem.hint


def test_other_messages_have_no_hint() -> None:
    assert ConfigProblem("/x", 1, "Invalid address or port").hint is None


def test_only_macros_are_resolved() -> None:
    assert resolve_macro("/x", 3) == ("/x", 3, "")
    where = 'macro \'vh\' (defined on line 22 of "/d.conf") used on line 27 of "/e.conf"'
    assert resolve_macro(where, 2) == ("/d.conf", 24, "macro 'vh' used on line 27 of \"/e.conf\"")


@example("Syntax error on line 0 of :")
@example("x: Syntax error on line " + "9" * 5000 + " of /x: y")
@given(st.text() | st.text(alphabet="AH00526: Syntax error on line 1 of /x:\n'()"))
def test_any_text_gives_a_problem_or_none(text: str) -> None:
    problem = parse_config_error(text)
    assert problem is None or str(problem)
