"""Tables, sessions and migrations. No decisions, and nothing that knows a vendor or HTTP."""
