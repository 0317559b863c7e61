"""The cassette as bytes on disk: the only code that knows offsets, frames and compression."""
