"""The self test of migrations: small ones carried out on a throw-away cluster while processes are killed or hang.

Faults enter where a run is given its journal: what stands between the two sends signals at points of it. The run knows nothing of that.
"""
