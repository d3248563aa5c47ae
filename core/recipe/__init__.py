"""Everything that decides a result, described once."""
