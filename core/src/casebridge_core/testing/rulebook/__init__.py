"""The rules, one module for each subject; `casebridge_core.testing.AdapterTests` has them all."""
