"""Ways out of the house for a message: each delivers or raises, and never decides."""
