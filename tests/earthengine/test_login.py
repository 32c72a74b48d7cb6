"""Who asks: every kind of login, and the line for each that is missing or wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.failures import one_line
from watermap.config import EarthEngineConfig
from watermap.earthengine.login import log_in
from watermap.errors import EarthEngineError, UsageError

REFRESH_TOKEN = "1//refresh-token"  # noqa: S105 (nobody's)


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody has logged in."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def user_login(home: Path, **more: str) -> None:
    """What `earthengine authenticate` leaves."""
    path = home / ".config" / "earthengine" / "credentials"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"refresh_token": REFRESH_TOKEN, **more}))


def test_a_key_that_is_stated_comes_first(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_login(tmp_path / "home", project="of-the-user")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no.json"))
    login = log_in(EarthEngineConfig(key=key))
    assert login.project == "loopback-project"
    assert login.source == f"service-account key {key}"
    assert "@" in login.credentials.service_account_email


def test_the_machines_own_credentials_beat_a_persons(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_login(tmp_path / "home", project="of-the-user")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    login = log_in(EarthEngineConfig())
    assert (login.project, login.source) == ("loopback-project", f"application default credentials, {key}")
    assert log_in(EarthEngineConfig(project="stated")).project == "stated"


def test_a_persons_login(tmp_path: Path) -> None:
    user_login(tmp_path / "home", project="of-the-user")
    login = log_in(EarthEngineConfig())
    assert login.project == "of-the-user"
    assert login.credentials.refresh_token == REFRESH_TOKEN
    assert REFRESH_TOKEN not in repr(login.source)


def test_a_login_of_gcloud(tmp_path: Path) -> None:
    stored = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": REFRESH_TOKEN}
    (tmp_path / "gcloud").mkdir()
    path = tmp_path / "gcloud" / "application_default_credentials.json"
    path.write_text(json.dumps({**stored, "quota_project_id": "of-gcloud"}))
    login = log_in(EarthEngineConfig())
    assert (login.project, login.source) == ("of-gcloud", "application default credentials")


def test_a_login_without_a_project(tmp_path: Path) -> None:
    user_login(tmp_path / "home")
    with pytest.raises(EarthEngineError) as error:
        log_in(EarthEngineConfig())
    assert "--project" in one_line(error)
    assert log_in(EarthEngineConfig(project="stated")).project == "stated"


def test_nobody_is_logged_in() -> None:
    with pytest.raises(EarthEngineError) as error:
        log_in(EarthEngineConfig())
    assert "no Earth Engine login" in one_line(error)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"type": "service_account", "private_key": "SECRET"}'])
def test_a_key_that_is_none(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError) as error:
        log_in(EarthEngineConfig(key=path))
    assert str(path) in one_line(error)
    assert "SECRET" not in one_line(error)


def test_credentials_of_the_environment_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (None, "{}"):
        path = tmp_path / "adc.json"
        if content is not None:
            path.write_text(content)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        with pytest.raises(UsageError) as error:
            log_in(EarthEngineConfig())
        assert str(path) in one_line(error)


def test_a_persons_login_that_is_damaged(tmp_path: Path) -> None:
    user_login(tmp_path / "home")
    (tmp_path / "home" / ".config" / "earthengine" / "credentials").write_text("{")
    with pytest.raises(UsageError) as error:
        log_in(EarthEngineConfig())
    assert "earthengine authenticate" in one_line(error)
