"""What a visitor has chosen, and what a page needs before it can be drawn."""
