"""Which image trains, which checks, which is kept for the end."""
