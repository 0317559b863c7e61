"""The whole story in a minute, offline: a provider, a tool, a crew of agents, and the tour of them.

Owns what `agentvcr demo` shows. It goes through the command line as anybody would, and so imports
no engine.
"""
