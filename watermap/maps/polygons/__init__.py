"""Water bodies as polygons: from rows of pixels to a GeoPackage with areas on the ellipsoid."""
