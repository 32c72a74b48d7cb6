"""What this machine can do: every part that watermap stands on, looked at one by one."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from importlib import metadata, util
from pathlib import Path
from typing import Final, Literal

from watermap import __version__
from watermap.config import EarthEngineConfig
from watermap.config.extras import install_command, requirements
from watermap.errors import UsageError, WatermapError
from watermap.models.backend import accelerators, require_keras

LEAST_FREE_GB: Final = 5
"""Less is too little for the scenes, patches and models of one small run."""

_BACKENDS: Final = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
_SERVICE_TIMEOUT_S: Final = 20.0
_PREFECT_TIMEOUT_S: Final = 3.0
_LOCAL_PREFECT: Final = "http://127.0.0.1:4200/api"
_PROCESS: Final = Path("/proc")


@dataclass(frozen=True)
class Finding:
    """What was found of one part.

    Attributes:
        name: of the part.
        state: there and working, not there, or there but not working.
        text: one line.
        remedy: what to do about it, where something can be done.
    """

    name: str
    state: Literal["ok", "missing", "broken"]
    text: str
    remedy: str = ""


def examine(config: EarthEngineConfig, *, folder: Path, online: bool = True) -> Iterator[Finding]:
    """Look at every part in turn; what goes wrong while looking is a finding too.

    Args:
        config: how Earth Engine is to be reached; it is asked once, without patience.
        folder: where the results of runs are to go; need not exist.
        online: whether the network may be asked.
    """
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("watermap", _watermap),
        ("packages", _packages),
        ("training", _training),
        ("Keras backend", _keras_backend),
        ("accelerators", _accelerators),
        ("ImageNet weights", _imagenet_weights),
        ("OpenVINO", _openvino),
        ("Earth Engine", lambda: _earth_engine(config, online)),
        ("Prefect", lambda: _prefect(online)),
        ("disk space", lambda: _disk_space(folder)),
        ("machine", _machine),
    )
    for name, check in checks:
        try:
            yield from check()
        except WatermapError as error:
            yield _finding(name, "broken", error)
        except Exception as error:  # of whatever library was looked at
            text = " ".join(f"{type(error).__name__}: {error}".split())
            yield Finding(name, "broken", text, "install again what it names; if it names watermap, report it")


def _finding(name: str, state: Literal["missing", "broken"], error: WatermapError) -> Finding:
    return Finding(name, state, " ".join(error.message.split()), " ".join(error.hint.split()))


def _watermap() -> Iterator[Finding]:
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Finding("watermap", "ok", f"{__version__}, {system}")


def _packages() -> Iterator[Finding]:
    versions = {each.name: _version(each.name) for each in requirements()}
    absent = [name for name, version in versions.items() if version is None]
    if absent:
        yield Finding("packages", "broken", f"not installed: {', '.join(absent)}", install_command())
        return
    import rasterio

    versions["GDAL"] = rasterio.__gdal_version__
    yield Finding("packages", "ok", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _training() -> Iterator[Finding]:
    versions = {name: _version(name) for name in sorted(each.name for each in requirements("train"))}
    absent = [name for name, version in versions.items() if version is None]
    if absent:
        remedy = f"OpenVINO maps without them; to train: {install_command('train')}"
        yield Finding("training", "missing", f"not installed: {', '.join(absent)}", remedy)
        return
    yield Finding("training", "ok", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _keras_backend() -> Iterator[Finding]:
    there = [name for name in _BACKENDS if util.find_spec(name) is not None]
    if not there:
        known = ", ".join(_BACKENDS.values())
        yield Finding("Keras backend", "missing", f"none of {known}", install_command("tensorflow"))
        return
    if _version("keras") is None:
        yield Finding("Keras backend", "missing", "Keras is not installed", install_command("train"))
        return
    require_keras()
    chosen = _chosen_backend()
    others = [_BACKENDS[name] for name in there if name != chosen]
    also = f"; KERAS_BACKEND can choose {' or '.join(others)}" if others else ""
    yield Finding("Keras backend", "ok", f"{_BACKENDS.get(chosen or '', chosen)} {_version(chosen or '') or ''}{also}")


def _accelerators() -> Iterator[Finding]:
    chosen = _chosen_backend()
    if chosen is None:
        return
    found_accelerators = accelerators(chosen)
    if found_accelerators:
        yield Finding("accelerators", "ok", ", ".join(found_accelerators))
        return
    text, remedy = "none: training will use the CPU", "none is needed; --encoder compact is made for CPUs"
    idle = [
        match[1].strip()
        for path in sorted(_PROCESS.glob("driver/nvidia/gpus/*/information"))
        if (match := re.search(r"^Model:(.+)$", path.read_text(), flags=re.MULTILINE))
    ]
    if idle:
        label = _BACKENDS.get(chosen, chosen)
        text = f"{', '.join(idle)} not seen by {label}: training will use the CPU"
        build = "pip install 'tensorflow[and-cuda]'" if chosen == "tensorflow" else f"install {label} built for CUDA"
        remedy = f"{build}, and look at CUDA_VISIBLE_DEVICES"
    yield Finding("accelerators", "missing", text, remedy)


def _imagenet_weights() -> Iterator[Finding]:
    if _chosen_backend() is None:
        return
    from watermap.models.weights import PRETRAINED

    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    source = PRETRAINED["resnet50"]
    path = home / "models" / source.file_name
    remedy = "only --encoder resnet50 needs these; without internet: --weights none, or --weights PATH"
    if not path.is_file():
        yield Finding(
            "ImageNet weights", "missing", f"fetched when they are first needed ({source.megabytes} MB)", remedy
        )
        return
    with path.open("rb") as file:
        whole = hashlib.file_digest(file, "md5").hexdigest() == source.md5
    text = str(path) if whole else f"{path} is damaged and will be fetched again ({source.megabytes} MB)"
    yield Finding("ImageNet weights", "ok" if whole else "missing", text, "" if whole else remedy)


def _openvino() -> Iterator[Finding]:
    version = _version("openvino")
    if version is None:
        yield Finding("OpenVINO", "missing", "not installed", f"it maps faster on CPUs: {install_command('fast')}")
        return
    yield Finding("OpenVINO", "ok", version)


def _earth_engine(config: EarthEngineConfig, online: bool) -> Iterator[Finding]:
    version = _version("earthengine-api")
    if version is None:
        yield Finding("Earth Engine client", "missing", "not installed", install_command("earthengine"))
        return
    yield Finding("Earth Engine client", "ok", f"earthengine-api {version}")
    from watermap.earthengine import login, session

    if not online:
        os.environ.setdefault("NO_GCE_CHECK", "true")  # else the login asks the network
    try:
        found = login.log_in(config)
    except WatermapError as error:
        is_stated = isinstance(error, UsageError)  # a key that is none, rather than no key
        yield _finding("Earth Engine login", "broken" if is_stated else "missing", error)
        return
    yield Finding("Earth Engine login", "ok", found.source)
    yield Finding("Google Cloud project", "ok", found.project)
    if online:
        hasty = {"timeout_s": min(config.timeout_s, _SERVICE_TIMEOUT_S), "patience_s": 0.0}
        try:
            yield Finding("Earth Engine service", "ok", session.check(config.model_copy(update=hasty)))
        except WatermapError as error:
            yield _finding("Earth Engine service", "broken", error)


def _prefect(online: bool) -> Iterator[Finding]:
    version = _version("prefect")
    if version is None:
        yield Finding("Prefect", "missing", "not installed", install_command("flows"))
        return
    yield Finding("Prefect", "ok", version)
    if online:
        yield _prefect_server(os.environ.get("PREFECT_API_URL"))


def _prefect_server(stated: str | None) -> Finding:
    """Whether the server answers; what its address may hold of a login is neither needed for that nor shown."""
    address = re.sub(r"//.*@", "//", stated or _LOCAL_PREFECT).split("?")[0].strip().rstrip("/")
    remedy = "start it, or correct PREFECT_API_URL"
    if not address.startswith(("http://", "https://")):
        return Finding("Prefect server", "broken", f"PREFECT_API_URL {address} is no web address", remedy)
    try:
        request = urllib.request.Request(f"{address}/health")  # noqa: S310 (http or https)
        if key := os.environ.get("PREFECT_API_KEY", "").strip():
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        urllib.request.urlopen(request, timeout=_PREFECT_TIMEOUT_S).close()  # noqa: S310 (http or https)
    except urllib.error.HTTPError as error:
        error.close()
        text = f"{address} answers {error.code} {error.reason}"
        return Finding("Prefect server", "broken", text, "check PREFECT_API_URL and PREFECT_API_KEY")
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__  # the text of others may quote the key
        text = f"no answer from {address} ({reason})"
        if stated:
            return Finding("Prefect server", "broken", text, remedy)
        remedy = "deployments need one: prefect server start, or set PREFECT_API_URL"
        return Finding("Prefect server", "missing", text, remedy)
    return Finding("Prefect server", "ok", address)


def _disk_space(folder: Path) -> Iterator[Finding]:
    wanted = folder.absolute()
    place = next(path for path in (wanted, *wanted.parents) if path.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    text = f"{free_gb:.1f} GB free in {place}"
    if free_gb < LEAST_FREE_GB:
        yield Finding("disk space", "missing", text, f"free {LEAST_FREE_GB} GB, or work in a folder on another disk")
    else:
        yield Finding("disk space", "ok", text)


def _machine() -> Iterator[Finding]:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"{processors} processors"
    if hasattr(os, "sysconf"):
        text += f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB of memory"
    yield Finding("machine", "ok", text)


def _chosen_backend() -> str | None:
    """The module that Keras computes with, None where it has none that works."""
    try:
        require_keras()
        import keras
    except Exception:  # `_keras_backend` tells why
        return None
    chosen: str = keras.backend.backend()
    return chosen


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return None
