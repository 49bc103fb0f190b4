-- Opens the HTTP port of config.xml.
-- cost: cheap
-- engines: 23.8+
SYSTEM START LISTEN HTTP
