"""The profiles of Golem's own command line: which servers its user works with. They are read, never written.

    {"profiles": {"NAME": PROFILE, …}, "defaultProfile": "NAME"}

PROFILE is an object with `customUrl` and `auth` (config-v4.json: Golem 1.4 and newer), or with `custom_url` and `auth`
(config-v2.json: 1.3), or one of those below the key `Golem` or `GolemCloud` (config.json: older ones, which have `url`
and no `auth` for servers of one's own). `auth` is `{"Static": {"secret": …}}` or `{"OAuth2": {"data": {"secret": …}}}`.
Two profiles are there without being written. What is empty is left out. Source: the command line's `config.rs`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golem_nb.errors import UsageError

FOLDER_VARIABLE = "GOLEM_CONFIG_DIR"
LOCAL, CLOUD = "local", "cloud"
LOCAL_URL, CLOUD_URL = "http://localhost:9881", "https://release.api.golem.cloud"
# What every server that Golem's command line starts on this machine takes: known to all, and so no secret.
LOCAL_TOKEN = "5c832d93-ff85-4a8f-9803-513950fdfdb1"


@dataclass(frozen=True, slots=True)
class Profile:
    """A server, and the token for it where its owner has logged in."""

    name: str
    url: str
    token: str | None = field(default=None, repr=False)


def profiles_folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else Path.home() / ".golem"


def profiles_file(folder: Path) -> Path | None:
    """Return the newest profile file of a folder; None where it has none."""
    numbered = {
        int(found[1]): path
        for path in (folder.glob("config-v*.json") if folder.is_dir() else ())
        if (found := re.fullmatch(r"config-v([0-9]{1,4})\.json", path.name))
    }
    if numbered:
        return numbered[max(numbered)]
    oldest = folder / "config.json"
    return oldest if oldest.is_file() else None


def read_profile(name: str | None = None, folder: Path | None = None) -> Profile:
    """Return the profile of that name; the default one where None is given.

    Raises:
        UsageError: There is no profile file, it cannot be read, or it has no such profile; the text names the file.
    """
    path, profiles, default = _read(folder)
    name = name or default
    if name not in profiles:
        raise UsageError(f"{path} has no profile {name!r}; there are: {', '.join(profiles)}")
    return _profile(path, name, profiles[name])


def profile_names(folder: Path | None = None) -> list[str]:
    """Return the names of all profiles; none where there is no file that can be read."""
    try:
        return list(_read(folder)[1])
    except UsageError:
        return []


def _read(folder: Path | None) -> tuple[Path, dict[str, Any], str]:
    folder = folder or profiles_folder()
    path = profiles_file(folder)
    if path is None:
        raise UsageError(f"there is no profile file of Golem's command line in {folder}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        # Not what it says of the failure: that may show a piece of the file, and so of a token.
        raise UsageError(f"{path} is no JSON; `golem profile list` may say more") from None
    if not isinstance(content, Mapping) or not isinstance(content.get("profiles", {}), Mapping):
        raise UsageError(f"{path} has no object `profiles`")
    built_in = {LOCAL: {"auth": {"Static": {"secret": LOCAL_TOKEN}}}, CLOUD: {}}
    default = _told(content, "defaultProfile", "default_profile", "active_profile") or LOCAL
    if not isinstance(default, str):
        raise UsageError(f"{path}: the default profile must be a name")
    return path, {**built_in, **content.get("profiles", {})}, default


def _profile(path: Path, name: str, json: Any) -> Profile:
    inner = json
    for kind in ("Golem", "GolemCloud"):
        inner = inner.get(kind, inner) if isinstance(inner, Mapping) else inner
    if not isinstance(inner, Mapping):
        raise UsageError(f"{path}: the profile {name!r} must be an object")
    url = _told(inner, "customUrl", "custom_url", "url") or (LOCAL_URL if name == LOCAL else CLOUD_URL)
    workers = _told(inner, "customWorkerUrl", "custom_worker_url", "worker_url") or url
    projects = _told(inner, "custom_cloud_url") or url
    if not isinstance(url, str):
        raise UsageError(f"{path}: the profile {name!r} has a URL that is no text")
    if workers != url or projects != url:
        others = "workers" if workers != url else "projects"
        raise UsageError(
            f"{path}: the profile {name!r} has {others} at another URL than components; golem_nb needs one"
        )
    return Profile(name, url, _secret(inner.get("auth")))


def _told(json: Mapping[str, Any], *keys: str) -> Any:
    """Return what is told by one of the keys, which are those of different releases."""
    return next((json[key] for key in keys if json.get(key)), None)


def _secret(auth: Any) -> str | None:
    """Return the token; None where its owner has not logged in."""
    for path in (("Static", "secret"), ("OAuth2", "data", "secret"), ("data", "secret")):
        found = auth
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            return found
    return None
