"""Ports for brokers and servers that are started here and now."""

import socket


def free_port() -> int:
    """A TCP port that is free on localhost now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
