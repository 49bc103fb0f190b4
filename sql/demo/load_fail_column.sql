-- A question that fails: an unknown column.
-- cost: cheap
-- engines: 24.8+
SELECT CustomerId, count() FROM demo.events GROUP BY CustomerId
