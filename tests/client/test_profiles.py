import json
from pathlib import Path

import pytest

from golem_nb.client.profiles import (
    CLOUD_URL,
    LOCAL_TOKEN,
    LOCAL_URL,
    Profile,
    profile_names,
    profiles_file,
    profiles_folder,
    read_profile,
)
from golem_nb.errors import UsageError

SECRET = "5c832d93-very-secret"
MINE = {"custom_url": "https://golem.example", "config": {}, "auth": {"Static": {"secret": SECRET}}}


@pytest.fixture
def write(tmp_path):
    def write(content, name="config-v2.json"):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
        return tmp_path

    return write


def test_the_default_profile_is_read(write):
    folder = write({"profiles": {"mine": MINE}, "default_profile": "mine"})

    assert read_profile(folder=folder) == Profile("mine", "https://golem.example", SECRET)
    assert SECRET not in repr(read_profile(folder=folder))
    assert profile_names(folder) == ["local", "cloud", "mine"]


@pytest.mark.parametrize(
    ("profile", "url", "token"),
    [
        ({"auth": {"OAuth2": {"data": {"secret": SECRET}}}}, CLOUD_URL, SECRET),
        ({"auth": {"OAuth2": {"data": None}}}, CLOUD_URL, None),
        ({"custom_url": "http://a", "custom_worker_url": "http://a"}, "http://a", None),
        ({"Golem": {"url": "http://a", "worker_url": None}}, "http://a", None),
        ({"GolemCloud": {"custom_url": "http://a", "auth": {"data": {"secret": SECRET}}}}, "http://a", SECRET),
        ({"GolemCloud": {}}, CLOUD_URL, None),
        ({"customUrl": "http://a/", "auth": {"Static": {"secret": SECRET}}}, "http://a/", SECRET),
        ({"customUrl": "http://a", "customWorkerUrl": "http://a", "allowInsecure": True}, "http://a", None),
    ],
)
def test_profiles_of_all_ages_are_read(write, profile, url, token):
    assert read_profile("x", write({"profiles": {"x": profile}})) == Profile("x", url, token)


def test_two_profiles_need_not_be_written(write):
    folder = write({"profiles": {}})

    assert read_profile(folder=folder) == Profile("local", LOCAL_URL, LOCAL_TOKEN)
    assert read_profile("cloud", folder) == Profile("cloud", CLOUD_URL)


@pytest.mark.parametrize("content", [{}, {"defaultProfile": "local"}, {"profiles": {"local": {"auth": {}}}}])
def test_what_is_empty_is_not_written(write, content):
    """By Golem 1.4 and newer: neither the object of all profiles, nor where the one of this machine is."""
    assert read_profile(folder=write(content, "config-v4.json")).url == LOCAL_URL


def test_the_default_profile_of_a_newer_release_is_read(write):
    """Its token must go where the profile says, not where one without a URL goes."""
    mine = {"customUrl": "https://golem.example/", "config": {}, "auth": {"Static": {"secret": SECRET}}}
    folder = write({"profiles": {"mine": mine}, "defaultProfile": "mine"}, "config-v4.json")

    assert read_profile(folder=folder) == Profile("mine", "https://golem.example/", SECRET)


def test_the_newest_file_counts(write):
    write({"profiles": {"old": MINE}}, "config.json")
    assert profile_names(write({"profiles": {"two": MINE}}))[2:] == ["two"]
    write({"profiles": {"three": MINE}}, "config-v3.json")
    assert profile_names(write({"profiles": {"ten": MINE}}, "config-v10.json"))[2:] == ["ten"]


def test_a_file_of_an_older_release_is_read_where_there_is_no_other(write):
    folder = write({"profiles": {"old": {"Golem": {"url": "http://a"}}}, "active_profile": "old"}, "config.json")

    assert read_profile(folder=folder) == Profile("old", "http://a")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f'{{"profiles": "{SECRET}', "is no JSON"),
        ("[]", "has no object `profiles`"),
        ({"profiles": []}, "has no object `profiles`"),
        ({"profiles": {"x": 5}}, "profile 'x' must be an object"),
        ({"profiles": {"x": {"custom_url": 5}}}, "URL that is no text"),
        (
            {"profiles": {"x": {"custom_url": "http://a", "custom_worker_url": "http://b"}}},
            "has workers at another URL",
        ),
        ({"profiles": {"x": {"customUrl": "http://a", "customWorkerUrl": "http://b"}}}, "has workers at another URL"),
        (
            {"profiles": {"x": {"custom_url": "http://a", "custom_cloud_url": "http://b"}}},
            "has projects at another URL",
        ),
        ({"profiles": {"y": MINE}}, "has no profile 'x'; there are: local, cloud, y"),
        ({"profiles": {}, "default_profile": 5}, "must be a name"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it_and_no_secret(write, content, text):
    folder = write(content)

    with pytest.raises(UsageError) as caught:
        read_profile("x", folder)
    assert text in str(caught.value)
    assert str(folder / "config-v2.json") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_may_not_be_read_is_told(write, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    folder = write({"profiles": {}})
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UsageError, match=r"config-v2\.json cannot be read: Permission denied"):
        read_profile(folder=folder)
    assert profile_names(folder) == []


def test_no_file_is_told_and_nothing_is_written(tmp_path):
    with pytest.raises(UsageError, match="no profile file"):
        read_profile(folder=tmp_path / "none")
    assert profiles_file(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_users_or_what_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOLEM_CONFIG_DIR", raising=False)
    assert profiles_folder() == tmp_path / ".golem"
    monkeypatch.setenv("GOLEM_CONFIG_DIR", "~/other")
    assert profiles_folder() == tmp_path / "other"
