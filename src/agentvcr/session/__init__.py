"""Put the parts together: the only package that knows every one of them.

Owns the wiring and no rules: each part's are beside it. One kind of session a file.
"""
