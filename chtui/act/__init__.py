"""Changes to servers: plans of statements for single hosts, and what arms, audits, runs and verifies them."""
