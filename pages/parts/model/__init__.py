"""Panels of the Model page."""
