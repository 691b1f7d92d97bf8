"""Schedules know time: rules to airings."""
