"""What a process tells of itself while it works: figures and traces. Nothing decides by them."""
