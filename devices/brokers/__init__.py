"""Brokers that the station runs or administers: accounts and access rules."""
