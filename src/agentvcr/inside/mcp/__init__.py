"""The shim that stands between an MCP client and a server on standard streams.

A machine: `shim` is what is run, `relay` the process with its server, `recorded` what is told of
the messages, `replayed` what answers in the server's place, `messages` the lines, `naming` the
server. Of this the program itself loads the lines alone; its part is `interceptors.mcp_stdio`.
"""
