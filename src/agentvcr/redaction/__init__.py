"""Keep credentials out of everything that is written. The live exchange is never altered."""
