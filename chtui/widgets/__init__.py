"""Widgets any screen may use: the polled table, the status bar, the prompt, dialogs."""
