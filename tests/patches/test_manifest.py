"""What a store says of itself."""

from __future__ import annotations

from typing import Any

from watermap.patches.manifest import Manifest

STATED: dict[str, Any] = {
    "bands": ("B3", "B8"),
    "patch_size": 32,
    "dtype": "uint16",
    "scale": 1e-4,
    "offset": 0.0,
    "config": {},
    "config_digest": "0",
    "inputs_digest": "0",
    "scenes": {},
    "failures": (),
    "counts": {},
    "water": {},
    "notes": (),
    "shards": (),
}


def test_what_stores_did_not_tell_before_changes_their_digest_only_where_it_says_something() -> None:
    plain = Manifest(**STATED)
    assert plain.digest() == Manifest(**STATED, optional_bands=(), missing_bands={}).digest()
    assert plain.digest() != Manifest(**STATED, optional_bands=("B8",)).digest()
    assert plain.digest() == Manifest(**STATED, label_kinds={"lake": "hand"}).digest()
