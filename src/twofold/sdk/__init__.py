"""What an application puts in front of its own routes to ask Twofold's verdict."""
