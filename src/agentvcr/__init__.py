"""AgentVCR: deterministic record and replay for multi-agent LLM pipelines.

Importing this package is cheap on purpose: it runs inside recorded programs, under any Python from
3.9 on, where none of AgentVCR's dependencies need be installed. It must import the standard library
alone.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
