"""Simulated receivers, many in one process, for demonstrations, tests and load."""
