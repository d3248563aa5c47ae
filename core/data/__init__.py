"""From an archive or a folder to checked images with classes and a split."""
