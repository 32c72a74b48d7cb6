"""Scenes: where they are, what their pixels mean, their labels, clouds and dates."""
