import numpy as np
import pytest

from watermap.arrays import FloatArray
from watermap.bundles.calibration import Calibration
from watermap.prediction.engines.ensemble import Ensemble, Member, entropy_bits
from watermap.prediction.engines.tta import TRANSFORMS, augmented


class Shifted:
    """Says what its first band says, `shift` pixels to the left, and raised by `more`."""

    def __init__(self, more: float = 0.0, shift: int = 0, pixels: int = 1000) -> None:
        self.name, self.batch_size, self.window_pixels, self.bytes_per_pixel = "known", 2, pixels, 7.0
        self.flops_per_pixel = 5.0
        self.more, self.shift, self.warmed = more, shift, 0

    def warm(self, shape: tuple[int, int]) -> None:
        self.warmed += shape[0]

    def compute(self, windows: FloatArray) -> FloatArray:
        said: FloatArray = np.clip(np.roll(windows[:, 0], -self.shift, axis=-1) + self.more, 0, 1).astype(np.float32)
        return said


def windows(seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((2, 3, 8, 12), dtype=np.float32)


def test_the_word_of_several_is_their_mean() -> None:
    members = [Member(Shifted(), None), Member(Shifted(0.2), None), Member(Shifted(-0.3), None)]
    found = Ensemble(members, tta=False, has_disagreement=False).compute(windows())
    np.testing.assert_allclose(found, np.mean([m.engine.compute(windows()) for m in members], axis=0), atol=1e-6)


def test_each_bundle_speaks_calibrated() -> None:
    curve = Calibration(method="temperature", temperature=3)
    engine = Shifted(shift=1)
    found = Ensemble([Member(engine, curve)], tta=True, has_disagreement=False).compute(windows())
    calibrated = np.mean(list(augmented(lambda each: curve(engine.compute(each)), windows())), axis=0)
    np.testing.assert_allclose(found, calibrated, atol=1e-6)


@pytest.mark.parametrize("tta", [False, True])
def test_doubts_change_nothing_of_the_map(*, tta: bool) -> None:
    members = [
        Member(Shifted(shift=1), Calibration(method="temperature", temperature=2)),
        Member(Shifted(0.1), None),
    ]
    plain = Ensemble(members, tta=tta, has_disagreement=False).compute(windows())
    both = Ensemble(members, tta=tta, has_disagreement=True).compute(windows())
    assert both.shape == (2, 2, 8, 12)
    np.testing.assert_array_equal(both[:, 0], plain)


def test_disagreement_is_what_the_mean_is_less_sure_of_than_its_members() -> None:
    same = Ensemble([Member(Shifted(), None)] * 2, tta=False, has_disagreement=True).compute(windows())
    np.testing.assert_allclose(entropy_bits(same[:, 0]), same[:, 1], atol=1e-6)
    sure = np.ones((1, 1, 8, 8), np.float32)
    torn = Ensemble([Member(Shifted(), None), Member(Shifted(-1), None)], tta=False, has_disagreement=True)
    probability, answer_entropy = torn.compute(sure)[0]
    np.testing.assert_allclose(probability, 0.5)
    np.testing.assert_allclose(entropy_bits(probability) - answer_entropy, 1, atol=1e-5)
    curve = Calibration(method="isotonic", predicted=(0.0, 0.5, 1.0), true=(0.0, 0.1, 1.0))
    for members in ([Member(Shifted(), None), Member(Shifted(-1), None)], [Member(Shifted(shift=1), curve)]):
        both = Ensemble(members, tta=True, has_disagreement=True).compute(windows())
        assert (entropy_bits(both[:, 0]) - both[:, 1] > -1e-5).all()  # no mean is surer than its parts


def test_memory_and_arithmetic_are_those_of_all() -> None:
    members = [Member(Shifted(), None), Member(Shifted(pixels=400), None)]
    committee = Ensemble(members, tta=True, has_disagreement=False)
    assert committee.name == "known, 2 bundles, 8 symmetries"
    assert committee.flops_per_pixel == 2 * 5 * TRANSFORMS
    assert (committee.window_pixels, committee.batch_size, committee.bytes_per_pixel) == (400, 2, 7.0)
    committee.warm((8, 8))
    assert all(member.engine.warmed == 8 for member in members)  # type: ignore[attr-defined]  # of the stand-in


def test_bits_are_shannons() -> None:
    p = np.array([0, 0.11, 0.5, 0.89, 1], np.float32)
    np.testing.assert_allclose(entropy_bits(p), [0, 0.49992, 1, 0.49992, 0], atol=1e-4)
