"""Pure functions from a snapshot to what a pane draws, prints or exports. No I/O, no Textual."""
