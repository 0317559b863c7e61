"""Cassettes of other tools: one tool's format a module, each read into the same shape.

What is read is somebody else's file: nothing in it is executed, and what it cannot say is told in
words. Does not write AgentVCR's own cassettes (`session` does) and takes no credential out.
"""
