"""Whether two requests are the same, and which is nearest where none is."""
