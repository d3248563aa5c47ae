"""Panels of the Predict page."""
