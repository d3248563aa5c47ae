"""What people bring: archives, folders, single pictures."""
