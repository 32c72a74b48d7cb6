"""Opens files in QGIS as a user does who drags them in, and tells what is seen. Run by the Python that QGIS has.

`qgis_render.py OUT FILE...` writes a picture of each to OUT/NAME.png, on a transparent page, one pixel for each of
the first file, and prints a JSON object a file.
"""

import json
import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    QgsApplication,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def main(out: Path, files: list[Path]) -> None:
    application = QgsApplication([], False)
    application.initQgis()
    first = QgsRasterLayer(str(files[0]), files[0].stem)
    for file in files:
        is_raster = file.suffix == ".tif"
        layer = QgsRasterLayer(str(file), file.stem) if is_raster else QgsVectorLayer(str(file), file.stem, "ogr")
        settings = QgsMapSettings()
        settings.setLayers([layer])
        settings.setDestinationCrs(first.crs())
        settings.setExtent(first.extent())
        settings.setOutputSize(QSize(first.width(), first.height()))
        settings.setBackgroundColor(QColor(0, 0, 0, 0))
        settings.setFlag(QgsMapSettings.Antialiasing, False)
        job = QgsMapRendererSequentialJob(settings)
        job.start()
        job.waitForFinished()
        job.renderedImage().save(str(out / f"{file.stem}.png"))
        told = {
            "file": file.name,
            "valid": layer.isValid(),
            "crs": layer.crs().authid(),
            "renderer": layer.renderer().type(),
            "legend": raster_legend(layer) if is_raster else vector_legend(layer),
        }
        print(json.dumps(told), flush=True)
    os._exit(0)  # taking the application down with layers still alive ends in a crash


def raster_legend(layer: QgsRasterLayer) -> dict[str, list[int]]:
    renderer = layer.renderer()
    if renderer.type() == "paletted":
        return {entry.label: list(entry.color.getRgb()) for entry in renderer.classes()}
    items = renderer.shader().rasterShaderFunction().colorRampItemList()
    return {item.label: list(item.color.getRgb()) for item in items}


def vector_legend(layer: QgsVectorLayer) -> dict[str, list[int]]:
    items = layer.renderer().legendSymbolItems()
    return {item.label(): list(item.symbol().color().getRgb()) for item in items}


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
