"""Alerts: what runs low, is out, or expires soon, each told once for as long as it lasts."""
