"""The receiver protocol: messages, topics and signatures, version 1.

The server and a receiver share this package and nothing else.
"""
