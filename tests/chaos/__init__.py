"""The chaos: its parts, and a short storm."""
