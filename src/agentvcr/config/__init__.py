"""What a project configures: where it stands, and which keys there are."""
