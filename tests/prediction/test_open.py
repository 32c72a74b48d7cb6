from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from watermap.bundles.bundle import Bundle, open_bundle
from watermap.config import PredictConfig
from watermap.errors import ModelError, UsageError
from watermap.prediction.open import open_bundles, open_predictor, settings_of


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


def test_a_bundle_is_named_by_itself_or_by_its_path(bundle: Bundle) -> None:
    assert open_bundles(bundle) == [bundle]
    assert open_bundles(bundle.folder) == [bundle]
    assert open_bundles(str(bundle.folder)) == [bundle]
    assert open_bundles([str(bundle.folder), bundle]) == [bundle, bundle]
    with pytest.raises(UsageError, match="no bundle is given"):
        open_bundles([])


def test_none_is_the_one_in_data_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="data/models holds none"):
        open_bundles(None)
    made = make_bundle(tmp_path / "data" / "models" / "known")
    assert [each.id for each in open_bundles(None)] == [made.id]


def test_a_model_stays_loaded_for_the_next_scene(bundle: Bundle) -> None:
    first = open_predictor([bundle], PredictConfig())
    assert open_predictor([open_bundle(bundle.folder)], PredictConfig()) is first
    assert open_predictor([bundle], PredictConfig(threshold=0.4)) is not first
    assert open_predictor([bundle], PredictConfig()) is first
    for threshold in (0.1, 0.2):
        open_predictor([bundle], PredictConfig(threshold=threshold))
    assert open_predictor([bundle], PredictConfig()) is not first  # not for ever


def test_another_bundle_in_the_same_folder_is_opened_anew(tmp_path: Path) -> None:
    first = open_predictor([make_bundle(tmp_path / "b")], PredictConfig())
    second = open_predictor([make_bundle(tmp_path / "b", threshold=0.3)], PredictConfig())
    assert (first.threshold, second.threshold) == (0.5, 0.3)


def test_settings_are_checked_as_on_the_command_line() -> None:
    assert settings_of(probability=True).probability == "percent"
    assert settings_of(probability=False).probability == "none"
    assert settings_of(probability="float", threshold=None).probability == "float"
    with pytest.raises(UsageError, match="treshold: no such setting"):
        settings_of(treshold=0.4)
    with pytest.raises(UsageError, match="threshold: "):
        settings_of(threshold=2)
