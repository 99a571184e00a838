"""The engines: one behaviour, whatever wakes the workers."""
