"""The rehearsal of a migration: a spec carried out on a throw-away embedded cluster, over some of v1's own rows.

Of v1 only definitions and a few rows of each partition are read; neither it nor v2's servers are changed.
"""
