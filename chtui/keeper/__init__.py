"""ZooKeeper and ClickHouse Keeper: the ensemble, its znodes, what ClickHouse keeps there. Reads only."""
