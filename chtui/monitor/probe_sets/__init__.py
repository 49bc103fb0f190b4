"""The probes, one module for each pane."""
