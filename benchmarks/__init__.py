"""What the system does in a second, as ratios within one run: the machines are shared and noisy."""
