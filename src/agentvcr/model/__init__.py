"""What a recorded run is: frozen structs and nothing else. Knows no bytes on disk and no client."""
