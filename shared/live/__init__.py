"""The live feed of a service: its own events as they happen, as server-sent events that resume exactly."""
