"""Training on several devices: two of them are simulated on the processor, in a process of their own."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import keras
import numpy as np
import pytest

from watermap.patches.store import PatchStore
from watermap.scenes.filling import Filling
from watermap.scenes.radiometry import Statistics
from watermap.training import devices
from watermap.training.batches import PatchBatches
from watermap.training.devices import replicas, sharing

TRAINS_TWICE = """
import sys
from pathlib import Path
import keras
import numpy as np
import watermap.training.train as training
from watermap.bundles.bundle import open_bundle
from watermap.config import StageConfig, TrainConfig

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)

def network(store, statistics, config, base):
    image = keras.Input((store.patch_size, store.patch_size, len(store.bands)), name="image")
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(keras.layers.Rescaling(1e-3)(image))
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(image, keras.layers.Conv2D(2, 1, activation="softmax", name="probability")(x))

training.new_network = network
training.convert_once = lambda *_: None
count, patches, out = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
stages = (StageConfig(name="both", learning_rate=1e-2),)
config = TrainConfig(encoder="compact", epochs=1, batch_size=-(-count // 4) * 2, augment="flips", stages=stages)
every, weights = keras.distribution.list_devices(), []
for number in (1, 2):
    keras.distribution.list_devices = lambda: every[:number]
    done = training.train(patches, out / str(number), config)
    print(done.notes)
    weights.append(open_bundle(out / str(number)).load_model().get_weights())
print(max(float(np.abs(one - other).max()) for one, other in zip(*weights, strict=True)))
print(max(float(np.abs(one).max()) for one in weights[0]))
"""


@pytest.mark.parametrize(
    ("backend", "tolerance"),
    [
        pytest.param("jax", 5e-5, marks=pytest.mark.extended),  # rounding of sums in another order; a step is 1e-2
        pytest.param("tensorflow", 0.05, marks=pytest.mark.extended),  # batch norm of its own on each device
    ],
)
def test_two_devices_train_to_the_weights_of_one(
    backend: str, tolerance: float, small_patches: Path, tmp_path: Path
) -> None:
    pytest.importorskip(backend)
    count = PatchStore.open(small_patches).count("train")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-c", TRAINS_TWICE, str(count), str(small_patches), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    alone, shared, difference, largest = done.stdout.splitlines()[-4:]
    assert (alone, shared) == ("()", "('trained on 2 devices',)")
    assert 0 < float(difference) < tolerance < float(largest)


def test_as_many_devices_share_as_divide_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[list[str]] = []

    def scope(backend: str, names: list[str]) -> AbstractContextManager[None]:
        used.append(names)
        return nullcontext()

    monkeypatch.setattr(devices, "_scope", scope)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0", "gpu:1", "gpu:2"])
    said = {}
    for batch_size in (33, 32, 7):
        with sharing(batch_size) as said[batch_size]:
            assert replicas() == len(used[-1])
        assert replicas() == 1
    assert used == [["gpu:0", "gpu:1", "gpu:2"], ["gpu:0", "gpu:1"], ["gpu:0"]]
    assert said == {
        33: "trained on 3 devices",
        32: "trained on 2 of 3 devices: for all, make --batch-size (32) a multiple of 3",
        7: "trained on 1 of 3 devices: for all, make --batch-size (7) a multiple of 3",
    }


def test_one_device_needs_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with sharing(32) as said:
        assert (said, replicas()) == (None, 1)


def test_pytorch_uses_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setattr(devices, "_torch_devices", lambda: ["cuda:0", "cuda:1"])
    with sharing(32) as said:
        assert replicas() == 1
    assert said == "trained on one of 2 GPUs: use JAX or TensorFlow for all of them"


def test_every_batch_can_be_shared_out_and_no_patch_is_left_out(
    small_patches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PatchStore.open(small_patches)
    count, statistics = store.count("train"), Statistics.of(np.ones((4, len(store.bands)), dtype=np.float32))
    monkeypatch.setattr(devices, "_replicas", [1, 4])
    batches = PatchBatches(store, "train", batch_size=8, filling=Filling.of(statistics), shuffle=True)
    sizes = [len(batches[index][0]) for index in range(len(batches))]
    assert set(sizes) <= {4, 8}
    assert sum(sizes) == -(-count // 4) * 4
    assert set(batches._order.tolist()) == set(range(count))
