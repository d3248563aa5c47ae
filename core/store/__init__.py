"""Where things lie: workspaces, their limits, files that are never half written, the cache, processes."""
