"""The settings of every stage: one frozen model each, the same for TOML files, flags and flow parameters."""

from watermap.config.area import DesignConfig
from watermap.config.base import Config
from watermap.config.decoder import DecoderConfig, Upsampling
from watermap.config.export import EarthEngineConfig, ExportConfig
from watermap.config.index import IndexConfig, IndexName, ThresholdRule
from watermap.config.labels import ConsensusConfig, RefineConfig
from watermap.config.onnx import OnnxConfig
from watermap.config.predict import PredictConfig, ProductConfig, VectorizeConfig
from watermap.config.recipe import Recipe, RecipeScene, read_recipe
from watermap.config.sample import SampleConfig
from watermap.config.terms import STRIDE, Precision, Preset
from watermap.config.tile import TileConfig
from watermap.config.train import (
    FROM_PRETRAINED,
    FROM_SCRATCH,
    REFERENCE,
    ArchName,
    EncoderName,
    PlateauConfig,
    ShoreConfig,
    StageConfig,
    TrainConfig,
)

__all__ = [
    "FROM_PRETRAINED",
    "FROM_SCRATCH",
    "REFERENCE",
    "STRIDE",
    "ArchName",
    "Config",
    "ConsensusConfig",
    "DecoderConfig",
    "DesignConfig",
    "EarthEngineConfig",
    "EncoderName",
    "ExportConfig",
    "IndexConfig",
    "IndexName",
    "OnnxConfig",
    "PlateauConfig",
    "Precision",
    "PredictConfig",
    "Preset",
    "ProductConfig",
    "Recipe",
    "RecipeScene",
    "RefineConfig",
    "SampleConfig",
    "ShoreConfig",
    "StageConfig",
    "ThresholdRule",
    "TileConfig",
    "TrainConfig",
    "Upsampling",
    "VectorizeConfig",
    "read_recipe",
]
