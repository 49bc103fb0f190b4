-- A question that fails: a type error.
-- cost: cheap
-- engines: 24.8+
SELECT sum(Payload) FROM demo.events
