"""Panels of the Data page."""
