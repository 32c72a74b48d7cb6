"""The front door: Earth Engine asked for the scenes of an area and a period, and what it answers brought home."""
