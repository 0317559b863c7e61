"""The engine's end of the channel: it starts the program, listens to it, and ends with it."""
