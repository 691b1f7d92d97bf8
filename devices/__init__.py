"""Devices reach: orders to receivers, receipts back."""
