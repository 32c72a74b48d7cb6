"""What the doctor finds on machines of all kinds."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from watermap import __version__
from watermap.cli import machine as doctor
from watermap.cli.machine import Finding, examine
from watermap.config import EarthEngineConfig
from watermap.config.extras import install_command
from watermap.earthengine import login, session
from watermap.errors import EarthEngineError, ModelError, UsageError
from watermap.models.weights import PRETRAINED

GIB = 2**30


@pytest.fixture(autouse=True)
def _a_machine_without_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login, no server, no weights: whatever the machine of the tests has."""
    for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(doctor, "_PROCESS", tmp_path / "proc")
    monkeypatch.setattr(login, "log_in", raising(EarthEngineError("no login", hint="log in")))
    monkeypatch.setattr(session, "check", raising(AssertionError("asked without a login")))
    install(monkeypatch, openvino=None, prefect=None, **{"earthengine-api": None})


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def install(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Pretend that distributions are installed, or with None that they are not."""
    real = metadata.version

    def version(name: str) -> str:
        found = versions[name] if name in versions else real(name)
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(metadata, "version", version)


def look(*, online: bool = True, config: EarthEngineConfig | None = None) -> dict[str, Finding]:
    """The findings by name."""
    findings = list(examine(config or EarthEngineConfig(), folder=Path(), online=online))
    assert all("\n" not in finding.text + finding.remedy for finding in findings)
    assert all(finding.remedy for finding in findings if finding.state != "ok")
    return {finding.name: finding for finding in findings}


def test_a_machine_that_can_only_tile_and_train() -> None:
    found = look()
    assert found["watermap"].text.startswith(f"{__version__}, Python 3.")
    packages = found["packages"].text
    assert all(f"{name} {metadata.version(name)}" in packages for name in ("numpy", "rasterio"))
    training = found["training"].text
    assert all(f"{name} {metadata.version(name)}" in training for name in ("keras", "scikit-learn"))
    assert "GDAL 3." in packages
    assert "pytest" not in packages
    states = {name: finding.state for name, finding in found.items() if finding.state != "ok"}
    assert states.pop("accelerators", "missing") == "missing"
    absent = {"ImageNet weights", "OpenVINO", "Earth Engine client", "Prefect"}
    assert states == dict.fromkeys(absent, "missing")
    assert found["Earth Engine client"].remedy == "pip install 'earthengine-api>=1.7'"
    assert found["Prefect"].remedy == "pip install 'earthengine-api>=1.7' 'prefect>=3.8'"


@pytest.mark.parametrize("name", ["_watermap", "_packages", "_keras_backend", "_accelerators", "_machine", "_prefect"])
def test_a_check_that_breaks_is_a_finding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = look()
    monkeypatch.setattr(doctor, name, raising(RuntimeError("bad\nlibrary")))
    found = look()
    broken = [finding for finding in found.values() if finding.state == "broken"]
    assert [finding.text for finding in broken] == ["RuntimeError: bad library"]
    assert len(found) >= len(whole) - 1


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, shapely=None)
    assert look()["packages"] == Finding("packages", "broken", "not installed: shapely", "pip install 'shapely>=2.0'")


def test_a_machine_that_only_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "openvino", raising=False)  # another test may have needed it
    install(monkeypatch, openvino="2026.4.1", keras=None, scipy=None)
    found = look()
    assert found["OpenVINO"] == Finding("OpenVINO", "ok", "2026.4.1")
    assert (found["training"].state, found["training"].text) == ("missing", "not installed: keras, scipy")
    assert "to train: pip install 'keras>=3.8' 'scipy>=1.11'" in found["training"].remedy
    assert found["Keras backend"].text == "Keras is not installed"
    assert "openvino" not in sys.modules
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert look()["Keras backend"].text == "none of TensorFlow, JAX, PyTorch"


def test_the_backend_that_keras_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_chosen_backend", lambda: "jax")
    monkeypatch.setattr(doctor, "accelerators", lambda _: [])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name in ("jax", "torch") else None)
    install(monkeypatch, jax="0.7")
    assert look()["Keras backend"].text == "JAX 0.7; KERAS_BACKEND can choose PyTorch"


def test_a_backend_that_is_absent_or_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "require_keras", raising(ModelError("no backend (jax)", hint="set KERAS_BACKEND")))
    found = look()
    assert found["Keras backend"] == Finding("Keras backend", "broken", "no backend (jax)", "set KERAS_BACKEND")
    assert not {"accelerators", "ImageNet weights"} & set(found)
    monkeypatch.setattr(doctor, "require_keras", raising(AttributeError("numpy has no attribute x")))
    assert look()["Keras backend"].text == "AttributeError: numpy has no attribute x"
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = look()
    assert found["Keras backend"].state == "missing"
    assert found["Keras backend"].remedy == install_command("tensorflow")


LIBRARIES = {
    "tensorflow": SimpleNamespace(
        config=SimpleNamespace(
            list_physical_devices=lambda kind: [SimpleNamespace(name=f"{kind}:0"), SimpleNamespace(name=f"{kind}:1")],
            experimental=SimpleNamespace(
                get_device_details=lambda one: {"device_name": "NVIDIA T4"} if one.name == "GPU:0" else {}
            ),
        )
    ),
    "jax": SimpleNamespace(
        devices=lambda: [
            SimpleNamespace(platform="cpu", device_kind="cpu"),
            SimpleNamespace(platform="gpu", device_kind="NVIDIA T4"),
        ]
    ),
    "torch": SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: 1, get_device_name=lambda _: "NVIDIA T4")),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_accelerators_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_chosen_backend", lambda: name)
    monkeypatch.setitem(sys.modules, name, LIBRARIES[name])
    found = look()["accelerators"]
    assert (found.state, found.text) == ("ok", "NVIDIA T4, GPU:1" if name == "tensorflow" else "NVIDIA T4")


def test_a_gpu_that_the_backend_does_not_see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "accelerators", lambda _: [])
    assert look()["accelerators"].text == "none: training will use the CPU"
    gpu = tmp_path / "proc" / "driver" / "nvidia" / "gpus" / "0000:01:00.0"
    gpu.mkdir(parents=True)
    (gpu / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 16\n")
    found = look()["accelerators"]
    assert found.state == "missing"
    assert found.text == "NVIDIA H100 80GB HBM3 not seen by TensorFlow: training will use the CPU"
    assert "tensorflow[and-cuda]" in found.remedy
    monkeypatch.setattr(doctor, "_chosen_backend", lambda: "jax")
    assert "install JAX built for CUDA" in look()["accelerators"].remedy


def test_imagenet_weights_in_kerass_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "--weights none" in look()["ImageNet weights"].remedy
    path = tmp_path / "keras" / "models" / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    found = look()["ImageNet weights"]
    assert (found.state, found.text) == ("missing", f"{path} is damaged and will be fetched again (94 MB)")
    digest = hashlib.md5(b"weights", usedforsecurity=False).hexdigest()
    monkeypatch.setitem(PRETRAINED, "resnet50", replace(PRETRAINED["resnet50"], md5=digest))
    assert look()["ImageNet weights"] == Finding("ImageNet weights", "ok", str(path))


LOGIN = login.Login(credentials="SECRET", source="service-account key key.json", project="my-project")


def test_earth_engine_is_asked_once_and_without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[EarthEngineConfig] = []

    def check(config: EarthEngineConfig) -> str:
        asked.append(config)
        return "reached with service-account key key.json, project my-project"

    install(monkeypatch, **{"earthengine-api": "1.7.5"})
    monkeypatch.setattr(login, "log_in", lambda _: LOGIN)
    monkeypatch.setattr(session, "check", check)
    found = look(config=EarthEngineConfig(project="my-project", timeout_s=100))
    assert found["Earth Engine client"].text == "earthengine-api 1.7.5"
    assert found["Earth Engine login"].text == "service-account key key.json"
    assert found["Google Cloud project"].text == "my-project"
    assert found["Earth Engine service"].text.startswith("reached with")
    assert [(config.project, config.timeout_s, config.patience_s) for config in asked] == [("my-project", 20.0, 0.0)]
    assert not any("SECRET" in finding.text for finding in found.values())
    found = look(online=False)
    assert found["Earth Engine login"].state == "ok"
    assert "Earth Engine service" not in found
    assert len(asked) == 1


def test_an_earth_engine_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, **{"earthengine-api": "1.7.5"})
    found = look()
    assert found["Earth Engine login"] == Finding("Earth Engine login", "missing", "no login", "log in")
    assert "Earth Engine service" not in found
    monkeypatch.setattr(login, "log_in", raising(UsageError("key.json: not a key", hint="download one")))
    assert look()["Earth Engine login"] == Finding(
        "Earth Engine login", "broken", "key.json: not a key", "download one"
    )
    monkeypatch.setattr(login, "log_in", lambda _: login.Login("SECRET", "user login", "project"))
    monkeypatch.setattr(session, "check", raising(EarthEngineError("not registered", hint="register it")))
    found = look()
    assert found["Google Cloud project"].text == "project"
    assert found["Earth Engine service"] == Finding("Earth Engine service", "broken", "not registered", "register it")


class _Health(BaseHTTPRequestHandler):
    """A Prefect server that tells its health to whoever has its key, where it has one."""

    key = ""
    asked: list[str] = []  # noqa: RUF012 (shared by every request)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        allowed = not self.key or self.headers.get("Authorization") == f"Bearer {self.key}"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b"true")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server's API."""
    install(monkeypatch, prefect="3.4")
    monkeypatch.setattr(_Health, "asked", [])
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join()


def test_a_prefect_server_that_answers(prefect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LOCAL_PREFECT", f"http://{prefect}")
    assert look()["Prefect server"] == Finding("Prefect server", "ok", f"http://{prefect}")
    assert _Health.asked == ["/api/health"]
    monkeypatch.setenv("PREFECT_API_URL", f"http://user:pass/word@{prefect}/")
    found = look()
    assert found["Prefect"] == Finding("Prefect", "ok", "3.4")
    assert found["Prefect server"] == Finding("Prefect server", "ok", f"http://{prefect}")
    assert "Prefect server" not in look(online=False)
    assert _Health.asked == ["/api/health"] * 2


def test_a_prefect_server_that_wants_a_key(prefect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Health, "key", "SECRET")
    monkeypatch.setenv("PREFECT_API_URL", f"http://{prefect}")
    found = look()["Prefect server"]
    assert (found.state, found.text) == ("broken", f"http://{prefect} answers 401 Unauthorized")
    assert "PREFECT_API_KEY" in found.remedy
    monkeypatch.setenv("PREFECT_API_KEY", "SECRET")
    assert look()["Prefect server"].state == "ok"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/api", "http://[::1", "file:///etc/passwd", "http://u:p@:0"])
def test_a_prefect_server_that_is_not_there(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, prefect="3.4")
    monkeypatch.setattr(doctor, "_LOCAL_PREFECT", "http://127.0.0.1:1/api")
    found = look()["Prefect server"]
    assert found.state == "missing"
    assert "prefect server start" in found.remedy
    monkeypatch.setenv("PREFECT_API_URL", address)
    found = look()["Prefect server"]
    assert found.state == "broken"
    assert "u:p" not in found.text
    assert "PREFECT_API_URL" in found.text + found.remedy


def test_room_for_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((5_000_000_000, "ok"), (4_900_000_000, "missing")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        found = next(doctor._disk_space(tmp_path / "not" / "there"))
        assert found.state == state
        assert found.text == f"{free / 1e9:.1f} GB free in {tmp_path}"


def test_processors_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 64 * GIB // 4096}.__getitem__)
    assert look()["machine"].text == "6 processors, 64.0 GiB of memory"


def test_a_system_that_tells_less(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sched_getaffinity", "sysconf"):
        monkeypatch.delattr(f"os.{name}", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert list(doctor._machine()) == [Finding("machine", "ok", "4 processors")]
