"""Communes that merge or split on a day."""
