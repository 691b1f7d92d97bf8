"""The demo: a commune with two loudspeakers and an LED screen, all as real processes, driven over the real API."""
