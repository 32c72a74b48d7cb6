import numpy as np
import pytest
import xarray

from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.workspace import image_of
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.errors import DataError, UsageError
from watermap.prediction.array import predict_array

Y = 5_300_000.0 - 10 * np.arange(48)
X = 500_000.0 + 10 * np.arange(64)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


def values() -> np.ndarray:
    label = np.zeros((48, 64), np.uint8)
    label[:, :20] = 1
    made = image_of(label)
    made[:, :3, -5:] = 65535
    return made


def image() -> xarray.DataArray:
    """As rioxarray opens a file of named bands."""
    return xarray.DataArray(
        values(),
        dims=("band", "y", "x"),
        coords={"band": list(range(1, 7)), "y": Y, "x": X, "spatial_ref": ((), 0, {"crs_wkt": "PROJCRS[...]"})},
        attrs={
            "long_name": STANDARD_BANDS,
            "_FillValue": 65535,
            "scale_factor": 1.0,
            "add_offset": 0.0,
            "grid_mapping": "spatial_ref",
            "TIME": "2023",
        },
    )


def test_a_dataarray_gives_what_its_array_gives_in_its_place(bundle: Bundle) -> None:
    codes, probability = predict_array(image(), bundle=bundle)
    expected = predict_array(values(), bands=STANDARD_BANDS, bundle=bundle, nodata=65535)
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(probability, expected[1])
    assert (codes.name, probability.name) == ("water", "probability")
    assert (codes.dtype.name, probability.dtype.name) == ("uint8", "float32")
    for made in (codes, probability):
        assert made.dims == ("y", "x")
        assert set(made.coords) == {"y", "x", "spatial_ref"}
        np.testing.assert_array_equal(made.x, X)
        assert made.spatial_ref.attrs == {"crs_wkt": "PROJCRS[...]"}
        assert (made.attrs["grid_mapping"], made.attrs["TIME"]) == ("spatial_ref", "2023")
        assert "scale_factor" not in made.attrs
    assert codes.attrs["_FillValue"] == 255
    assert codes.attrs["flag_meanings"] == "land water"
    assert np.isnan(probability.attrs["_FillValue"])
    assert (codes == 255).sum() == 15


def test_axes_may_come_in_any_order(bundle: Bundle) -> None:
    codes, _ = predict_array(image(), bundle=bundle)
    for dims in (("y", "x", "band"), ("x", "band", "y")):
        xarray.testing.assert_identical(predict_array(image().transpose(*dims), bundle=bundle)[0], codes)


def test_bands_are_named_by_coordinate_by_variable_or_by_the_user(bundle: Bundle) -> None:
    codes, _ = predict_array(image(), bundle=bundle)
    named = image().assign_coords(band=["blue", "green", "red", "nir", "swir16", "swir22"])
    named.attrs.pop("long_name")
    np.testing.assert_array_equal(predict_array(named, bundle=bundle)[0], codes)
    assert set(predict_array(named, bundle=bundle)[0].coords) == {"y", "x", "spatial_ref"}
    nameless = image().drop_vars("band")
    nameless.attrs.pop("long_name")
    with pytest.raises(DataError, match="its 6 bands have no names"):
        predict_array(nameless, bundle=bundle)
    np.testing.assert_array_equal(predict_array(nameless, bands=STANDARD_BANDS, bundle=bundle)[0], codes)
    with pytest.raises(DataError, match="it has 6 bands, but 2 were named") as error:
        predict_array(nameless, bands=["B2", "B3"], bundle=bundle)
    assert one_line(error)


def test_a_dataset_is_a_variable_a_band(bundle: Bundle) -> None:
    codes, probability = predict_array(image(), bundle=bundle)
    layers = {name: image().isel(band=number, drop=True) for number, name in enumerate(STANDARD_BANDS)}
    layers["SCL"] = xarray.full_like(layers["B2"], 4)
    scene = xarray.Dataset(layers)
    found = predict_array(scene, bundle=bundle)
    np.testing.assert_array_equal(found[0], codes)
    np.testing.assert_array_equal(found[1], probability)
    assert set(found[0].coords) == {"y", "x", "spatial_ref"}
    assert found[0].dims == ("y", "x")


def test_scale_and_offset_that_it_states_count_as_a_files_do(bundle: Bundle) -> None:
    codes, _ = predict_array(image(), bundle=bundle)
    raw = image().copy(data=np.where(values() == 65535, 65535, values() + 1000))
    with pytest.raises(DataError, match="an offset seems to be left in"):
        predict_array(raw, bundle=bundle)
    raw.attrs |= {"scale_factor": 1e-4, "add_offset": -0.1}
    np.testing.assert_array_equal(predict_array(raw, bundle=bundle)[0], codes)


def test_validity_is_stated_as_an_array_or_with_axes(bundle: Bundle) -> None:
    valid = xarray.DataArray(np.ones((48, 64), bool), dims=("y", "x"))
    valid[4, 6] = False
    codes, _ = predict_array(image(), bundle=bundle, valid=valid.transpose("x", "y"))
    assert codes[4, 6] == 255
    assert (codes == 255).sum() == 16
    np.testing.assert_array_equal(predict_array(image(), bundle=bundle, valid=valid.values)[0], codes)
    with pytest.raises(UsageError, match="valid has the axes a, b"):
        predict_array(image(), bundle=bundle, valid=valid.rename(y="a", x="b"))


def test_several_dates_are_refused_with_the_way_out(bundle: Bundle) -> None:
    series = image().expand_dims(time=2)
    with pytest.raises(UsageError, match="the axes time, band, y, x") as error:
        predict_array(series, bundle=bundle)
    assert "isel(time=0)" in one_line(error)
    scene = xarray.Dataset({name: image().isel(band=0, drop=True).expand_dims(time=1) for name in STANDARD_BANDS})
    with pytest.raises(UsageError, match="the axes time, y, x") as error:
        predict_array(scene, bundle=bundle)
    assert "isel(time=0)" in one_line(error)
    with pytest.raises(UsageError, match="holds no images"):
        predict_array(xarray.Dataset(), bundle=bundle)
