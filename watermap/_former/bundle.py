"""Now `watermap.bundles.bundle`."""

from watermap._former import moved

__getattr__ = moved("watermap.bundle", "watermap.bundles.bundle")
