"""What a migration does while writers go on: watermarks, dual writing, repair of what differs, the seal."""
