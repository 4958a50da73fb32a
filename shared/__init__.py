"""What the three services stand on: the store, the backbone, the HTTP edge and the contracts."""
