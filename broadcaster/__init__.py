"""Broadcaster decides and remembers: bulletins, releases, planning, dispatch, the as-run log."""
