"""What a claimant can do: every attempt looks once, thinks purely and commits once."""
