"""Turn what interceptors tell into records of a cassette."""
