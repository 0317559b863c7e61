"""Whether two requests are the same: canonical form, fingerprint, and the nearest of those that are not."""
