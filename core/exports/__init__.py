"""A run's model in forms that work elsewhere."""
