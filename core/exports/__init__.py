"""What a run or a recipe can be taken away as."""
