"""The only place that imports keras or tensorflow. Runs only in worker processes."""
