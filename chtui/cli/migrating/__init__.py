"""`chtui migrate`: verbs of a migration, and `chtui config render`."""
