"""The console: pages made on the server, which read well without JavaScript."""
