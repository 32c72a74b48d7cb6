"""Prefect flows: thin tasks over the library, for runs on a schedule."""
