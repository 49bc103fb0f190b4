"""The migration engine: tables carried from one schema to another exactly once, without a screen.

It is a state machine driven by the command line; whatever shows it reads its journal and its socket.
"""
