"""Recorded order and virtual time: what happened in which order, and the same again in a replay."""
