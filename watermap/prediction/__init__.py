"""Water maps of scenes of any size."""
