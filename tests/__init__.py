"""What Serumpun promises, each promise with a test that can fail."""
