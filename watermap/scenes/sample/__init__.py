"""Built-in synthetic Sentinel-2 scenes with exact labels, seeded: the offline default, and what tests learn from."""

from __future__ import annotations

from watermap.scenes.sample.files import SampleFolder, write_samples
from watermap.scenes.sample.scene import SampleScene, make_scene
from watermap.scenes.synthetic import SAMPLE_PREFIX

__all__ = ["SAMPLE_PREFIX", "SampleFolder", "SampleScene", "make_scene", "write_samples"]
