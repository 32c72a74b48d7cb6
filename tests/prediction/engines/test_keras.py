"""Keras runs a bundle's own model, in as much memory as there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.failures import one_line
from tests.support.processors import needs_bfloat16
from watermap.bundles.bundle import Bundle
from watermap.errors import ModelError
from watermap.prediction.engines import keras as keras_engine
from watermap.prediction.engines.keras import KerasEngine


@needs_bfloat16
def test_half_precision_of_keras_is_close(bundle: Bundle) -> None:
    windows = np.random.default_rng(0).uniform(0, 3000, (2, 6, 64, 96)).astype(np.float32)
    full, half = (KerasEngine(bundle, precision).compute(windows) for precision in ("float32", "bfloat16"))
    assert half.dtype == np.float32
    assert 0 < np.abs(full - half).max() < 0.1
    assert ((full >= 0.5) != (half >= 0.5)).mean() < 0.02


def test_fewer_windows_at_once_where_memory_ends(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = KerasEngine(bundle, "float32", batch_size=8)
    windows = np.random.default_rng(0).uniform(0, 3000, (8, 6, 32, 32)).astype(np.float32)
    expected = engine.compute(windows)
    sizes: list[int] = []

    class Small:
        def __init__(self, model: Any) -> None:
            self.model = model

        def predict_on_batch(self, batch: Any) -> Any:
            sizes.append(len(batch))
            if len(batch) > 2:
                raise RuntimeError("RESOURCE_EXHAUSTED: out of memory while allocating")
            return self.model.predict_on_batch(batch)

    load = Bundle.load_model
    monkeypatch.setattr(Bundle, "load_model", lambda *args, **named: Small(load(*args, **named)))
    engine = KerasEngine(bundle, "float32", batch_size=8)
    np.testing.assert_allclose(engine.compute(windows), expected, atol=1e-6)
    engine.compute(windows)
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_a_window_that_never_fits_is_one_line(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def predict_on_batch(self, _batch: Any) -> Any:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    monkeypatch.setattr(keras_engine.KerasEngine, "_model", lambda *_: Full())
    with pytest.raises(ModelError) as error:
        KerasEngine(bundle, "float32").compute(np.zeros((2, 6, 32, 32), dtype=np.float32))
    assert "not enough memory for a window of 32 x 32 pixels" in one_line(error)
