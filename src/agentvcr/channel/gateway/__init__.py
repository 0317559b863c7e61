"""The gateway: a loopback server for programs that no interceptor is in, such as node and curl.

Owns a process of its own, which the hub starts when somebody knocks. It asks the engine about each
request over the channel, as any recorded process does, and forwards or answers it.
"""
