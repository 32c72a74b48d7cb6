"""How settings say what is minimised."""

from __future__ import annotations

import re

import pytest

from watermap.config.loss import TERMS, Term, parse_loss


def test_losses_are_added_each_with_its_factor_and_options() -> None:
    assert parse_loss("dice") == (Term(1.0, "dice", {}),)
    assert parse_loss(" 0.5 * focal( gamma=2, water = 3 )+tversky(missed=0.8)") == (
        Term(0.5, "focal", {"gamma": 2.0, "water": 3.0}),
        Term(1.0, "tversky", {"missed": 0.8}),
    )
    assert parse_loss("1e-1*dice()") == (Term(0.1, "dice", {}),)


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, options in TERMS.items() for option in options])
def test_every_option_is_read(name: str, option: str) -> None:
    (term,) = parse_loss(f"{name}({option}=0.25)")
    assert term.options == {option: 0.25}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no loss ''"),
        ("dice+", "there is no loss ''"),
        ("dice(smooth=1", "'dice(smooth=1' is no loss: write it like"),
        ("dice(gamma=1)", "dice has no option 'gamma': it takes smooth"),
        ("balanced_cross_entropy(x=1)", "it takes none"),
        ("dice(smooth)", "smooth of dice is no number above 0: ''"),
        ("0*dice", "the factor of dice is no number above 0: '0'"),
        ("inf*dice", "the factor of dice is no number above 0"),
        ("nan*dice", "the factor of dice is no number above 0"),
        ("bootstrap(beta=1)", "beta of bootstrap is a share below 1, not 1"),
        ("forward(invented=0.5)", "invented of forward is a share below 0.5"),
    ],
)
def test_what_is_no_loss_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_loss(text)
