"""Everything of AgentVCR that runs inside a recorded program.

Owns the interceptors, the channel's near end, lanes, the network guard and the tee on the standard
streams. Imports the standard library and, lazily, the one client each interceptor patches; keeps to
Python 3.9 syntax, so that any interpreter can load it by path without our dependencies.
"""
