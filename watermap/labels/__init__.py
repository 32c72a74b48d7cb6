"""The label lab: labels held against each other, put together and refined."""
