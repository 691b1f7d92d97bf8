"""Benchmarks: each takes a raw limit in the same run and gives its figure as a ratio to it.

Machines are noisy and differ; the ratio is what can be compared. Each prints one line of JSON:
`{"name", "value", "unit", "limit", "ratio", "goal", "ok"}`.
"""
