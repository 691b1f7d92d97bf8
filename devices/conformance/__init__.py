"""The conformance kit: plays the station against anybody's receiver, and says point by point what it gets right."""
