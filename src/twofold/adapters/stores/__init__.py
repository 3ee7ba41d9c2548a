"""Where rows live: each store has reads and one conditional, all-or-nothing write."""
