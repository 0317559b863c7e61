"""Reporters: one way to render a result a file, each with `render(result, out)`.

A reporter draws what it is given. It opens no cassette and computes nothing but layout.
"""
