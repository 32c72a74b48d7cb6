"""Trained models with the contract of how to feed them."""
