"""Panels of the Results page."""
