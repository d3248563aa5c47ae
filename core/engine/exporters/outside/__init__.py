"""Files that go along with an exported model and work without Graft. They are copied, never imported by Graft."""
