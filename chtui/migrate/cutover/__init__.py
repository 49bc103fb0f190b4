"""The last part of a migration: whether readers may move, moving them and back, expiry, and the end of v1."""
