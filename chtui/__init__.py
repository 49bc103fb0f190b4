"""chtui: the full-screen terminal console for ClickHouse clusters on call."""

__version__ = "0.1.0"
