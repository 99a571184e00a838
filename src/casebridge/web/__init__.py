"""HTTP in and out: thin handlers that translate requests into services and back."""
