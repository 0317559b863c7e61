"""A project that keeps cassettes: its files, its git, its hooks and its workflow.

`setting_up` says what it needs; the other files are the parts of that.
"""
