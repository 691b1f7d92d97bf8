"""Alerts: what somebody has to know of though nobody looks at the page; one for each cause and place, until the cause is gone."""
