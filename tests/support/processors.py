"""What the processor can, as far as its libraries are allowed to use it."""

from __future__ import annotations

import os

import pytest

needs_bfloat16 = pytest.mark.skipif(
    os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in {"SSE41", "AVX", "AVX2"},
    reason="TensorFlow computes in bfloat16 where the processor can, though oneDNN is told to do without",
)
