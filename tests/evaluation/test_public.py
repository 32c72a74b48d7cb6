from pathlib import Path

import pytest

from watermap.errors import ModelError, UsageError
from watermap.evaluation.public import evaluate


def test_several_bundles_are_scored_together(workspace: Path) -> None:
    made = evaluate(["model", "data/demo/model"], Path("scenes"), threshold=0.4, pictures=0)
    assert len(made.bundles) == 2
    assert made.threshold == 0.4
    assert made.panels == []
    assert made.pooled_scores["unstated"].tally.as_dict()["water_iou"] == 1


def test_patches_are_scored_by_split(workspace: Path) -> None:
    made = evaluate("model", "patches", split="validation")
    assert made.pooled_scores["unstated"].tally.as_dict()["water_iou"] == 1


def test_what_is_no_bundle_and_no_setting_is_refused(workspace: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: no such folder"):
        evaluate("nowhere", "scenes")
    with pytest.raises(UsageError, match="treshold: no such setting"):
        evaluate("model", "scenes", treshold=0.4)
