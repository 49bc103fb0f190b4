-- Opens the native port of config.xml.
-- cost: cheap
-- engines: 23.8+
SYSTEM START LISTEN TCP
