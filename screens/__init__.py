"""The panes: one module and one stylesheet each; compose, bindings, handlers, nothing else."""
