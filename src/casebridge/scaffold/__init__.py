"""A new vendor's plugin, made from a template: a distribution that installs, with its tests."""
