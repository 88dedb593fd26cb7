"""What goes on being shown while later cells run. Never prints from a thread: it only updates what it has displayed."""
