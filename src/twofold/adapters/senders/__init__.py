"""Ways out of the house, one file each; every one obeys the laws of the port ``Sender``."""
