"""Run folders, seen through their files."""
