"""Bands under Sentinel-2's names, the names that others give them, and what the numbers of each sensor mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from watermap.errors import DataError, UsageError, did_you_mean

REFLECTANCE_SCALE: Final = 1e-4
"""Reflectance of one digital number (DN) in every Sentinel-2 product."""

BASELINE_0400_OFFSET: Final = -1000
"""DN to add to raw L2A of processing baseline 04.00 and later (BOA_ADD_OFFSET). Source: ESA, S2 PDGS, 2022."""

IMAGE_NO_DATA: Final = 65535
"""The no-data DN of the images that watermap writes: 0 may be a dark lake."""

TRUE_COLOR: Final = ("B4", "B3", "B2")

STANDARD_BANDS: Final = ("B2", "B3", "B4", "B8", "B11", "B12")
"""The bands that carry the water signal at 10 and 20 m."""


@dataclass(frozen=True)
class Band:
    """One band of the Sentinel-2 MSI instrument.

    Attributes:
        name: Earth Engine's name, used everywhere in watermap.
        common_name: the STAC `eo:common_name`.
        wavelength_nm: centre wavelength in nm (S2A).
        pixel_size_m: native pixel size in m.
    """

    name: str
    common_name: str
    wavelength_nm: float
    pixel_size_m: int


SENTINEL2: Final = {
    band.name: band
    for band in (
        Band("B1", "coastal", 442.7, 60),
        Band("B2", "blue", 492.4, 10),
        Band("B3", "green", 559.8, 10),
        Band("B4", "red", 664.6, 10),
        Band("B5", "rededge071", 704.1, 20),
        Band("B6", "rededge075", 740.5, 20),
        Band("B7", "rededge078", 782.8, 20),
        Band("B8", "nir", 832.8, 10),
        Band("B8A", "nir08", 864.7, 20),
        Band("B9", "nir09", 945.1, 60),
        Band("B10", "cirrus", 1373.5, 60),
        Band("B11", "swir16", 1613.7, 20),
        Band("B12", "swir22", 2202.4, 20),
    )
}
"""Source: ESA, Sentinel-2 MSI user guide, spectral resolution table."""

_COMMON: Final = {band.common_name: band.name for band in SENTINEL2.values()} | {
    "rededge1": "B5",
    "rededge2": "B6",
    "rededge3": "B7",
    "aerosol": "B1",
    "nirnarrow": "B8A",
    "narrownir": "B8A",
    "watervapour": "B9",
    "watervapor": "B9",
    "swir1": "B11",
    "swir2": "B12",
}

_FILLERS: Final = frozenset(
    {"band", "central", "wavelength", "surface", "reflectance", "sr", "toa", "boa", "s2", "vegetation", "visible"}
)
"""Words beside a band's common name that do not change what it means."""


def band_code(text: str) -> str | None:
    """The numbered band that a description names, as `B4`, or None; which light it is depends on the sensor."""
    for word in re.split(r"[^a-z0-9]+", text.lower()):
        match = re.fullmatch(r"b(?:and)?0*(\d{1,2}a?)", word)
        if match and f"B{match[1].upper()}" in SENTINEL2:
            return f"B{match[1].upper()}"
    return None


def canonical_name(text: str) -> str | None:
    """The Sentinel-2 band that a description means, or None.

    `B4`, `B04`, `b4`, `red`, `Red`, `B4 (665 nm)`, `B04, central wavelength 665 nm`, `T32UPU_B04_10m` and
    `SR_B4` all mean `B4`.
    """
    code = band_code(text)
    if code is not None:
        return code
    words = re.split(r"[^a-z0-9]+", text.lower())
    telling = [word for word in words if word not in _FILLERS]
    names = [word for word in telling if not re.fullmatch(r"\d*(?:nm|um|m)?", word)]
    return _COMMON.get("".join(telling)) or _COMMON.get("".join(names))


@dataclass(frozen=True)
class Radiometry:
    """How stored numbers become reflectance: `(value + offset) * scale`."""

    scale: float
    offset: float


SensorName = Literal[
    "sentinel-2", "landsat-8-9", "landsat-4-7", "hls-l30", "hls-s30", "planetscope-4-band", "planetscope-8-band"
]


@dataclass(frozen=True)
class Sensor:
    """What a kind of product calls its bands, and what their numbers mean.

    Attributes:
        name: as `--sensor` takes it.
        title: for messages.
        bands: what each is called there, in file order, and its canonical name: that of the Sentinel-2 band of the same
            light, or what it is where there is none.
        radiometry: of its surface reflectance; None where it differs between products.
        no_data: what its pixels without data hold.
    """

    name: SensorName
    title: str
    bands: Mapping[str, str]
    radiometry: Radiometry | None
    no_data: float = 0.0

    @property
    def is_in_order(self) -> bool:
        """Whether its files hold all its bands in their order, and need not name them."""
        return not any(map(band_code, self.bands))

    def band(self, text: str) -> str | None:
        """The canonical name of the band that a description means to this sensor, or None."""
        if (own := re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")) in self.bands:
            return self.bands[own]
        if (code := band_code(text)) is not None:
            return self.bands.get(code)
        name = canonical_name(text)
        if name == "B8A" and name not in self.bands.values():
            return "B8"  # STAC's nir08: where there is one near infrared, it is that of water indices
        return name if name in self.bands.values() else None


_LANDSAT_C2: Final = Radiometry(2.75e-5, -0.2 / 2.75e-5)
_TIMES_10000: Final = Radiometry(REFLECTANCE_SCALE, 0.0)
_MSI: Final = {name: name for name in SENTINEL2}
_OLI: Final = {"B1": "B1", "B2": "B2", "B3": "B3", "B4": "B4", "B5": "B8", "B6": "B11", "B7": "B12"}
_OLI_OTHERS: Final = {"B9": "B10", "B10": "thermal1", "B11": "thermal2"}
_TM: Final = {"B1": "B2", "B2": "B3", "B3": "B4", "B4": "B8", "B5": "B11", "B6": "thermal1", "B7": "B12"}
_DOVE: Final = {"blue": "B2", "green": "B3", "red": "B4", "nir": "B8"}
_SUPER_DOVE: Final = {
    "coastal_blue": "B1",
    "blue": "B2",
    "green_i": "green_i",
    "green": "B3",
    "yellow": "yellow",
    "red": "B4",
    "rededge": "B5",
    "nir": "B8",
}

SENSORS: Final[Mapping[str, Sensor]] = {
    sensor.name: sensor
    for sensor in (
        Sensor("sentinel-2", "Sentinel-2", _MSI, None),
        Sensor("landsat-8-9", "Landsat 8 or 9", _OLI | {"B8": "panchromatic"} | _OLI_OTHERS, _LANDSAT_C2),
        Sensor("landsat-4-7", "Landsat 4 to 7", _TM | {"B8": "panchromatic"}, _LANDSAT_C2),
        Sensor("hls-l30", "HLS L30", _OLI | _OLI_OTHERS, _TIMES_10000, -9999.0),
        Sensor("hls-s30", "HLS S30", _MSI, _TIMES_10000, -9999.0),
        Sensor("planetscope-4-band", "4-band PlanetScope", _DOVE, _TIMES_10000),
        Sensor("planetscope-8-band", "8-band PlanetScope", _SUPER_DOVE, _TIMES_10000),
    )
}
"""By name. Sources: ESA, Sentinel-2 MSI user guide; USGS, Landsat 8-9 OLI/TIRS and Landsat 4-7 Collection 2 Level-2
Science Product Guides; NASA, HLS product user guide v2.0; Planet, PlanetScope product specification."""


def band_names(
    descriptions: Sequence[str | None], sensor: Sensor | None = None, *, where: str, is_stated: bool = False
) -> tuple[tuple[str | None, ...], Sensor | None]:
    """Names of a file's bands by which `find_bands` finds them, and the sensor that explains them.

    Numbers such as `B5` mean the sensor's own bands. Those that only canonical names explain (`B12` of Landsat) were
    given by whoever converted the file, and stay.

    Args:
        descriptions: the file's own, in file order.
        sensor: of the file; None: not known, but `SR_B5` and its like are Landsat's.
        where: the file's name, for the message.
        is_stated: whether the user names the sensor.

    Raises:
        DataError: they mean different bands, depending on who wrote them, or are not of the sensor that is stated.
    """
    if sensor is None:
        sensor = _landsat_of(descriptions, where)
    if sensor is None:
        return tuple(descriptions), None
    if not any(text and not re.fullmatch(r"b\d+", text) for text in descriptions) and sensor.is_in_order:
        if len(descriptions) != len(sensor.bands):
            raise DataError(
                f"{where}: has {len(descriptions)} bands without names, {sensor.title} has {len(sensor.bands)}",
                hint="name all of the file's bands in file order with --bands",
            )
        return tuple(sensor.bands.values()), sensor
    numbered = {code for text in descriptions if text and (code := band_code(text)) is not None}
    listed = ", ".join(sorted(numbered))
    is_own, is_canonical = numbered <= set(sensor.bands), numbered <= set(sensor.bands.values())
    if is_own and is_canonical and not is_stated and any(sensor.bands[code] != code for code in numbered):
        raise DataError(
            f"{where}: is of {sensor.title} by its name, but {listed} may be that sensor's numbers or Sentinel-2's",
            hint=f"state --sensor {sensor.name} if they are that sensor's, else name all bands with --bands",
        )
    if is_own:
        names = tuple(sensor.band(text) if text else None for text in descriptions)
        return (names, sensor) if is_stated or any(names) else (tuple(descriptions), None)  # a map of its scene
    if is_stated and not is_canonical:
        raise DataError(
            f"{where}: has {listed}, which are not bands of {sensor.title}",
            hint="state the right --sensor, or leave it out where the bands have Sentinel-2's names",
        )
    return tuple(descriptions), sensor


def _landsat_of(descriptions: Sequence[str | None], where: str) -> Sensor | None:
    """The Landsat sensor whose surface reflectance has bands of these names, as Earth Engine and USGS write them."""
    numbered = {band_code(text) for text in descriptions if text and re.match(r"(?i)SR_B\d", text)}
    fits = [
        sensor
        for sensor in (SENSORS["landsat-8-9"], SENSORS["landsat-4-7"])
        if all(sensor.bands.get(code or "") in SENTINEL2 for code in numbered)
    ]
    if len(numbered) < 2 or not fits:
        return None
    if len(fits) > 1:
        raise DataError(
            f"{where}: its SR_B bands may be of {' or of '.join(sensor.title for sensor in fits)}, which number them "
            "differently",
            hint=f"state --sensor {fits[0].name} or --sensor {fits[1].name}",
        )
    return fits[0]


def parse_bands(text: str, sensor: SensorName = "sentinel-2") -> tuple[str, ...]:
    """Band names from a comma-separated list such as `B4,B3,B2` or `red,green,blue`.

    Args:
        text: the list.
        sensor: whose bands are listed.

    Returns:
        Canonical names; for a band that has none what it is, such as `thermal1`.

    Raises:
        UsageError: an empty list, a name that is no band of the sensor, or one that comes twice.
    """
    own = SENSORS[sensor]
    words = [word.strip() for word in text.split(",") if word.strip()]
    names = tuple(own.band(word) or "" for word in words)
    choices = f"choose from {', '.join(own.bands)}"
    if not words:
        raise UsageError("the list of bands is empty", hint=choices)
    if "" in names:
        wrong = words[names.index("")]
        near = did_you_mean(wrong, (*own.bands, *_COMMON))
        raise UsageError(f"{wrong!r} is not a {own.title} band", hint=f"{near} {choices}" if near else choices)
    if len(set(names)) < len(names):
        raise UsageError(f"a band comes twice in {text!r}", hint="name each band once")
    return names


def find_bands(descriptions: Sequence[str | None], wanted: Sequence[str], *, where: str) -> tuple[int, ...]:
    """Positions (from 0) of the wanted bands among a raster's band descriptions.

    Args:
        descriptions: the raster's band descriptions, in file order.
        wanted: canonical names, in the order in which they are needed.
        where: the file's name, for the message.

    Raises:
        DataError: a wanted band is missing or comes twice, or the raster describes no bands at all.
    """
    numbered = [f"b{number + 1}" for number in range(len(descriptions))]
    is_numbered = len(descriptions) < len(SENTINEL2) and list(descriptions) == numbered  # says nothing of wavelengths
    names = [canonical_name(text) if text and not is_numbered else None for text in descriptions]
    if not any(names):
        raise DataError(
            f"{where}: its {len(names)} bands have no names, so which is {', '.join(wanted)} is unknown",
            hint="name all of the file's bands in file order, e.g. with --bands B2,B3,B4,B8,B11,B12",
        )
    missing = [name for name in wanted if name not in names]
    if missing:
        present = ", ".join(name or text or "?" for name, text in zip(names, descriptions, strict=True))
        near = [
            did_you_mean(text, missing) for name, text in zip(names, descriptions, strict=True) if text and not name
        ]
        hint = next(filter(None, near), "use a scene with these bands, or a model trained on others")
        raise DataError(f"{where}: {_listed(missing)} missing (it has {present})", hint=hint)
    twice = [name for name in wanted if names.count(name) > 1]
    if twice:
        raise DataError(
            f"{where}: {_listed(twice)} there more than once",
            hint="name all of the file's bands in file order with --bands",
        )
    return tuple(names.index(name) for name in wanted)


def present_bands(
    descriptions: Sequence[str | None], wanted: Sequence[str], optional: Sequence[str]
) -> tuple[str, ...]:
    """The wanted bands but for those that are optional and not among a raster's band descriptions; in their order."""
    there = {canonical_name(text) for text in descriptions if text}
    return tuple(name for name in wanted if name not in optional or name in there)


def _listed(bands: Sequence[str]) -> str:
    return f"band {bands[0]} is" if len(bands) == 1 else f"bands {', '.join(bands)} are"
