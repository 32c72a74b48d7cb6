"""What the card of an imported network says where that of a trained one tells of its training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from watermap.bundles.contract import Contract
from watermap.bundles.imported import ImportedNetwork
from watermap.io.tables import markdown_table

_UNKNOWN: Final = "unknown"
_AGAINST: Final = {
    "likeliest": "its own against that of the likeliest other class, so that a pixel is water where water is the class "
    "that the network finds likeliest",
    "all": "its own, all other classes together being land",
    None: "the network's own, each class by itself",
}


def imported_sections(contract: Contract, network: ImportedNetwork) -> list[tuple[str, list[str]]]:
    """Title and lines of the sections about the network, how to feed it, and what it learned from."""
    trained = "Somebody else trained this network. On what, with which labels and how, this bundle does not know"
    return [
        ("Model", _model(contract, network)),
        ("How to feed it", _feeding(contract, network)),
        ("Data and ground", [f"{trained}: ask its makers."]),
    ]


def imported_limits(contract: Contract) -> Iterator[str]:
    """What is not promised of an imported network, one sentence or two each."""
    yield (
        "Which ground it learned from is unknown: scores flatter where it is scored on ground that it knows, and "
        "`watermap evaluate` cannot tell."
    )
    sizes = contract.pixel_sizes_m
    size = "of which size is unknown" if sizes is None else f"said to be of {sizes[0]:g} m"
    yield (
        f"It takes {', '.join(contract.bands)} of pixels {size}. That the bands and numbers stated at its import are "
        "those it was trained on is taken on trust."
    )
    if contract.receptive_field_px is None:
        yield (
            "How far it sees beyond a pixel was not measured: windows overlap as much as is usual, and `--overlap` "
            "states more."
        )
    if not contract.scores:
        yield "It has no score here: try it with `watermap evaluate` on labelled scenes like yours."


def _model(contract: Contract, network: ImportedNetwork) -> list[str]:
    classes = "one of each pixel" if network.classes is None else f"{network.classes} channels"
    water = "its only channel" if network.classes == 1 else f"class {network.water_class}"
    return _facts(
        {
            "origin": f"imported from `{network.file}`",
            "classes": f"{classes} of output `{network.output}`; water is {water}",
            "activation put behind it": network.activation,
            "parameters": _UNKNOWN if contract.parameters is None else f"{contract.parameters:,d}",
            "arithmetic": _UNKNOWN
            if contract.flops_per_pixel is None
            else f"{contract.flops_per_pixel / 1e3:,.0f} GFLOP for a megapixel",
            "imported": contract.created,
            "network": f"`{contract.model_file}`, SHA-256 `{contract.model_digest}`",
        }
    )


def _feeding(contract: Contract, network: ImportedNetwork) -> list[str]:
    side = contract.fixed_window_px
    numbers = "reflectance as it is"
    if network.mean is not None and network.std is not None:
        numbers = f"(reflectance - mean) / std, mean {_listed(network.mean)}, std {_listed(network.std)}"
    windows = f"{side} x {side} pixels only" if side else f"sides that are multiples of {contract.window_multiple_px}"
    size = network.pixel_size_m
    description = _facts(
        {
            "bands, in order": ", ".join(contract.bands),
            "numbers": f"DN, whose reflectance is (DN + {contract.offset:g}) x {contract.scale:g}",
            "what the network is given": numbers,
            "pixel size": _UNKNOWN if size is None else f"{size:g} m, as stated at its import",
            "window": windows,
            "gaps": f"filled with {'the mean of each band' if network.mean else 'a reflectance that is usual on land'}",
            "probability of water": "1 or 0" if network.classes is None else _AGAINST[network.against],
        }
    )
    made = (
        "`watermap predict SCENE --bundle FOLDER` does all of this with OpenVINO. It computes what is in `openvino/`: "
        "the network with all of this around it, from DN to the probability of water."
    )
    return [made, "", *description]


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _facts(facts: dict[str, str]) -> list[str]:
    return markdown_table(("", ""), facts.items())
