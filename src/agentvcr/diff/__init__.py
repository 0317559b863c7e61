"""What a run did otherwise than another: its steps aligned, then compared. Pure functions."""
