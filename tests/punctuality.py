"""How late what is due at an instant may be, where other tests keep all cores busy."""

LATE_MS = 500
"""A thread that sleeps until an instant wakes up to 180 ms after it on such a machine (measured on two cores). Nothing that waits for a poll, a
connection or another order is as quick as this; how exact starts are is what the benchmark `skew` measures."""
