"""Work in processes of its own: the queue, and how a process is started."""
