"""Heads that are solved, not trained step by step."""
