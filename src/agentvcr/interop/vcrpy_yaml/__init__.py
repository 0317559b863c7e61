"""Cassettes of vcrpy and its relatives: read them, and write a run as one.

`document` makes values of a file's text, safely; `reading` and `bodies` make exchanges of the
values; `writing` goes the other way. vcrpy itself is not imported: the tests hold both ways
against it.
"""

from agentvcr.interop.vcrpy_yaml.reading import read_cassette
from agentvcr.interop.vcrpy_yaml.writing import write_cassette

__all__ = ["read_cassette", "write_cassette"]
