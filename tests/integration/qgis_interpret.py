"""Interprets a sample in QGIS as a person does who drags it in. Run by the Python that QGIS has.

`qgis_interpret.py SAMPLES.gpkg TRUTH.tif` answers every third sample by the truth (255: cannot tell), and prints what
QGIS shows and offers as a JSON object.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import QgsApplication, QgsRasterLayer, QgsRenderContext, QgsVectorLayer

_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"


def main(samples: str, truth: str) -> None:
    application = QgsApplication([], False)
    application.initQgis()
    layer = QgsVectorLayer(f"{samples}|layername=samples", "samples", "ogr")
    told = described(layer)
    ground = QgsRasterLayer(truth, "truth")
    field = layer.fields().indexOf("truth")
    told["editable"] = layer.startEditing()
    for feature in layer.getFeatures():
        if feature["id"] % 3 == 0:
            value, _ = ground.dataProvider().sample(feature.geometry().asPoint(), 1)
            layer.changeAttributeValue(feature.id(), field, int(value) if value == value else 255)
    told["saved"] = layer.commitChanges()
    print(json.dumps(told), flush=True)
    os._exit(0)  # taking the application down with layers still alive ends in a crash


def described(layer: QgsVectorLayer) -> dict[str, object]:
    fields = {field.name(): index for index, field in enumerate(layer.fields())}
    form = layer.editFormConfig()
    setup = layer.editorWidgetSetup(fields["truth"])
    choices = [next(iter(each.items())) for each in setup.config().get("map", [])]
    table = layer.attributeTableConfig()
    renderer = layer.renderer()
    return {
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "renderer": renderer.type(),
        "legend": {item.label(): list(item.symbol().color().getRgb()) for item in renderer.legendSymbolItems()},
        "layers": [layer.layerType() for layer in renderer.symbols(QgsRenderContext())[0].symbolLayers()],
        "widget": setup.type(),
        "choices": {name: None if value == _NULL else int(value) for name, value in choices},
        "form": [each.name() for each in form.tabs()],
        "read_only": [name for name, index in fields.items() if form.readOnly(index)],
        "columns": [column.name for column in table.columns() if column.name and not column.hidden],
        "sorted": table.sortExpression(),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
