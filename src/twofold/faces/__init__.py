"""Our own HTTP faces: each turns requests into steps and outcomes into responses."""
