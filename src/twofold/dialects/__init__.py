"""Other products' documented HTTP contracts, served in their own words by our engine."""
