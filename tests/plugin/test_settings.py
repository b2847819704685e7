"""Settings as a pure function of what was given: who wins, what is valid, and what an error says."""

from __future__ import annotations

import pytest

from pytest_modssl.settings import ALL, SettingError, resolve


def test_with_nothing_given_every_setting_is_its_default_and_says_so() -> None:
    settings = resolve({}, {}, {})
    assert (settings.enabled.value, settings.targets.value, settings.start_timeout.value) == (False, ("auto",), 20.0)
    assert {one.source for one in (settings.enabled, settings.targets, settings.start_timeout)} == {"default"}
    assert settings.describe() == "enabled by default"


def test_every_setting_has_its_option_variable_and_ini_key_by_one_rule() -> None:
    assert {one.name: (one.option, one.variable, one.ini) for one in ALL}.items() >= {
        "": ("--modssl", "PYTEST_MODSSL", "modssl"),
        "target": ("--modssl-target", "PYTEST_MODSSL_TARGET", "modssl_target"),
        "start_timeout": ("--modssl-start-timeout", "PYTEST_MODSSL_START_TIMEOUT", "modssl_start_timeout"),
    }.items()


def test_the_option_comes_before_the_variable_the_variable_before_ini_and_each_is_told() -> None:
    options, environment = {"modssl_start_timeout": ["5"]}, {"PYTEST_MODSSL_START_TIMEOUT": "4"}
    ini = {"modssl_start_timeout": ["3"]}
    found = [resolve(*given).start_timeout for given in ((options, environment, ini), ({}, environment, ini))]
    found.append(resolve({"modssl_start_timeout": None}, {}, ini).start_timeout)
    assert [(one.value, one.source) for one in found] == [
        (5.0, "--modssl-start-timeout"),
        (4.0, "PYTEST_MODSSL_START_TIMEOUT=4"),
        (3.0, "ini modssl_start_timeout"),
    ]


def test_of_an_option_given_twice_the_last_counts() -> None:
    assert resolve({"modssl_start_timeout": ["5", "6"]}, {}, {}).start_timeout.value == 6.0


@pytest.mark.parametrize("text", ["1", "true", "Yes", " ON "])
def test_words_that_switch_on(text: str) -> None:
    assert resolve({}, {"PYTEST_MODSSL": text}, {}).enabled.value is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off", ""])
def test_words_that_switch_off_win_over_ini(text: str) -> None:
    assert resolve({}, {"PYTEST_MODSSL": text}, {"modssl": ["true"]}).enabled.value is False


def test_targets_are_listed_by_commas_or_by_repetition_each_once_and_in_order() -> None:
    given = {"modssl_target": ["local:/b/httpd, local", "local:/b/httpd,,local:/a/httpd"]}
    assert resolve(given, {}, {}).targets.value == ("local:/b/httpd", "local", "local:/a/httpd")
    assert resolve({"modssl_target": ["source:2.4.54,source"]}, {}, {}).targets.value == ("source:2.4.54", "source")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PYTEST_MODSSL": "maybe"}, r"PYTEST_MODSSL=maybe: cannot take 'maybe': one of 1, true, yes, on, 0, false"),
        ({"PYTEST_MODSSL_TARGET": "remote"}, r"PYTEST_MODSSL_TARGET=remote: .*'remote' is none of auto, local"),
        ({"PYTEST_MODSSL_TARGET": "auto:x"}, "'auto:x' is none of auto"),
        ({"PYTEST_MODSSL_TARGET": "local:"}, "'local:' is none of auto"),
        ({"PYTEST_MODSSL_TARGET": "debian:"}, "'debian:' is none of debian:bullseye, debian:bookworm, debian:trixie"),
        ({"PYTEST_MODSSL_TARGET": "debian:woody"}, "'debian:woody' is none of debian:bullseye, debian:bookworm"),
        ({"PYTEST_MODSSL_TARGET": " , "}, "at least one of auto"),
        *(
            ({"PYTEST_MODSSL_SHARD": text}, "i/n, the i-th of n parts: 1/3, 2/3 or 3/3")
            for text in ("0/3", "4/3", "1", "a/b", "-1/3", "1/", "0/0")
        ),
        ({"PYTEST_MODSSL_ENGINE": " , "}, "at least one name"),
        *(
            ({"PYTEST_MODSSL_START_TIMEOUT": text}, "a number of seconds between 0 and 3600")
            for text in ("0", "-1", "3601", "nan", "inf", "soon")
        ),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_place_and_the_valid_ones(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        resolve({}, given, {})


@pytest.mark.parametrize("variable", ["TARGET", "PROGRAMS", "START_TIMEOUT"])
def test_an_empty_variable_that_can_be_no_value_counts_as_none(variable: str) -> None:
    """A CI job sets it to a parameter that was left out."""
    assert resolve({}, {f"PYTEST_MODSSL_{variable}": ""}, {}) == resolve({}, {}, {})
    ini = {"modssl_target": ["docker"]}
    assert resolve({}, {f"PYTEST_MODSSL_{variable}": ""}, ini) == resolve({}, {}, ini)


def test_a_suite_of_debian_may_be_named_or_left_to_the_default() -> None:
    given = {"PYTEST_MODSSL_TARGET": "debian:sid,debian"}
    assert resolve({}, given, {}).targets.value == ("debian:sid", "debian")


def test_mirrors_are_listed_by_spaces_by_commas_or_by_repetition() -> None:
    found = resolve({"modssl_debian_mirror": ["http://a/debian, http://b/sec", "http://c"]}, {}, {})
    assert found.debian_mirror.value == ("http://a/debian", "http://b/sec", "http://c")
    assert resolve({}, {}, {}).debian_mirror.value == ()


def test_switches_of_fetching_are_off_and_told_when_they_are_on() -> None:
    settings = resolve({"modssl": ["1"]}, {"PYTEST_MODSSL_OFFLINE": "1"}, {"modssl_debian_unsigned": ["yes"]})
    assert settings.describe() == (
        "enabled by --modssl, offline on (PYTEST_MODSSL_OFFLINE=1), debian-unsigned on (ini modssl_debian_unsigned)"
    )
    settings = resolve({}, {}, {})
    assert (settings.offline.value, settings.debian_unsigned.value) == (False, False)


def test_of_which_tests_something_is_kept_is_one_of_three_words() -> None:
    kept = {"modssl_artifacts": ["kept"]}
    assert resolve(kept, {}, {}).artifacts_mode.value == "retain-on-failure"
    assert resolve(kept, {}, {}).keeps_artifacts
    assert not resolve(kept, {"PYTEST_MODSSL_ARTIFACTS_MODE": "off"}, {}).keeps_artifacts
    assert not resolve({}, {}, {"modssl_artifacts_mode": ["on"]}).keeps_artifacts
    with pytest.raises(SettingError, match=r"PYTEST_MODSSL_ARTIFACTS_MODE.*on, off, retain-on-failure"):
        resolve(kept, {"PYTEST_MODSSL_ARTIFACTS_MODE": "always"}, {})


def test_a_wrong_value_that_another_place_overrides_does_no_harm() -> None:
    assert (
        resolve({"modssl_start_timeout": ["5"]}, {"PYTEST_MODSSL_START_TIMEOUT": "soon"}, {}).start_timeout.value == 5
    )


def test_the_description_tells_every_setting_that_is_no_default_and_where_it_came_from() -> None:
    settings = resolve(
        {"modssl": ["1"], "modssl_target": ["local", "local:/b/httpd"]}, {}, {"modssl_start_timeout": ["7.5"]}
    )
    assert settings.describe() == (
        "enabled by --modssl, target local, local:/b/httpd (--modssl-target), "
        "start-timeout 7.5 (ini modssl_start_timeout)"
    )


def test_the_settings_of_a_matrix_are_told_as_they_are_written() -> None:
    settings = resolve(
        {"modssl_strict": ["1"], "modssl_shard": ["2/3"]}, {}, {"modssl_engine": ["tcp://a:2375", "tcp://b:2375"]}
    )
    assert settings.shard.value == (2, 3)
    told = "engine tcp://a:2375, tcp://b:2375 (ini modssl_engine)"
    assert settings.describe().endswith(f"strict on (--modssl-strict), shard 2/3 (--modssl-shard), {told}")
    assert resolve({}, {"PYTEST_MODSSL_SHARD": ""}, {}).shard.value is None
